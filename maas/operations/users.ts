import { z } from "zod";
import { checkedAnswer } from "../checked-answer.ts";
import type { MaasReader } from "../client.ts";

const schema = z.looseObject({ username: z.string(), is_superuser: z.boolean() });

/** The user of the API key. */
interface MaasUser {
  readonly name: string;
  readonly isAdministrator: boolean;
}

export async function whoami(maas: MaasReader): Promise<MaasUser> {
  const step = "reading the user of the API key from MAAS";
  const answer = await maas.get("users/", { step, query: { op: "whoami" } });
  const { username, is_superuser } = checkedAnswer(schema, answer, step);
  return { name: username, isAdministrator: is_superuser };
}
