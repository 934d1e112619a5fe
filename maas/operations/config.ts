import { z } from "zod";
import { checkedAnswer } from "../checked-answer.ts";
import type { MaasClient, MaasReader } from "../client.ts";

/** The value of a setting in MAAS. An unset value is null or `""`, depending on the version; both mean the same. */
export type ConfigValue = string | number | boolean | null;

const schema = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export async function getConfig(maas: MaasReader, name: string): Promise<ConfigValue> {
  const step = `reading the setting ${name} of MAAS`;
  return checkedAnswer(schema, await maas.get("maas/", { step, query: { op: "get_config", name } }), step);
}

/** @param value null is sent as `""`, since MAAS treats null as a missing value. */
export async function setConfig(maas: MaasClient, name: string, value: ConfigValue): Promise<void> {
  await maas.post("maas/", {
    step: `setting ${name} of MAAS`,
    query: { op: "set_config" },
    body: { form: { name, value: value ?? "" } },
  });
}
