import { z } from "zod";
import { checkedAnswer } from "../checked-answer.ts";
import type { MaasClient, MaasReader } from "../client.ts";

/** A setting as MAAS gives it. Nothing there is null or `""`, now the one and now the other, and means the same. */
export type ConfigValue = string | number | boolean | null;

const schema = z.union([z.string(), z.number(), z.boolean(), z.null()]);

export async function getConfig(maas: MaasReader, name: string): Promise<ConfigValue> {
  const step = `reading the setting ${name} of MAAS`;
  return checkedAnswer(schema, await maas.get("maas/", { step, query: { op: "get_config", name } }), step);
}

/** @param value null is sent as `""`, since MAAS takes null for a value that is missing. */
export async function setConfig(maas: MaasClient, name: string, value: ConfigValue): Promise<void> {
  await maas.post("maas/", {
    step: `setting ${name} of MAAS`,
    query: { op: "set_config" },
    body: { form: { name, value: value ?? "" } },
  });
}
