import { expect, test } from "@jest/globals";
import { z } from "zod";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { defineResource } from "../../../resources/kernel/definition.ts";
import { DefinitionProvider } from "../../../resources/kernel/provider.ts";
import { hidden, type Properties } from "../../../resources/kernel/stored-properties.ts";

/** A resource that quotes a word of the password of its previous declaration in every message. */
const provider = new DefinitionProvider(
  defineResource({
    kind: "Example",
    version: 2,
    upgrades: { 1: ({ key, ...rest }) => ({ ...rest, password: key ?? "" }) },
    inputs: z.strictObject({ host: z.string(), password: z.string().toLowerCase() }),
    outputs: z.object({}),
    secrets: ["password"],
    async preflight(_context, wanted, previous) {
      throw refusal(previous?.password, wanted.password);
    },
    async observe(_, declared) {
      if (declared.password !== "new secret-phrase") throw refusal(declared.password);
      return undefined;
    },
    async apply(_context, _wanted, _observed, previous) {
      throw refusal(previous?.password);
    },
    async remove(_, declared) {
      throw refusal(declared.password);
    },
  }),
);

function refusal(...passwords: (string | undefined)[]): ExplainedError {
  const quoted = passwords.map((password) => password?.split(" ")[1]).join(" and ");
  return new ExplainedError({ step: "looking", found: `found ${quoted}`, remedy: "Change it." });
}

const names = { host: "h", [hidden.name]: "a_of_dc1_of_site" };
const news = { ...names, password: "new secret-phrase" };
const stored: readonly [string, Properties][] = [
  ["this version", { ...names, password: "old secret-word", [hidden.version]: 2 }],
  ["an older version, under another name", { ...names, key: "old secret-word" }],
];

async function failureOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "",
    (error: Error) => error.message,
  );
}

test.each(stored)(
  "a secret in a declaration of %s is not in the reason of a refused check",
  async (_, olds) => {
    const { failures } = await provider.check(olds, { ...news, password: "New Secret-Phrase" });
    expect(failures?.map(({ reason }) => reason)).toEqual([
      expect.stringContaining("found [secret] and [secret]"),
    ]);
  },
);

test.each(stored)("a secret in a state of %s is in no message of an operation", async (_, olds) => {
  for (const call of [
    () => provider.update("id", olds, news),
    () => provider.read("id", olds),
    () => provider.delete("id", olds),
  ]) {
    expect(await failureOf(call())).toContain("found [secret]");
  }
});
