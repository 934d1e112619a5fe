import { expect, test } from "@jest/globals";
import { z } from "zod";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { defineResource } from "../../../resources/kernel/definition.ts";
import { DefinitionProvider } from "../../../resources/kernel/provider.ts";
import { hidden } from "../../../resources/kernel/stored-properties.ts";
import { unknown } from "../../../resources/kernel/unknown-values.ts";

function provider() {
  const asked: unknown[] = [];
  const definition = defineResource({
    kind: "Example",
    version: 1,
    inputs: z.strictObject({
      host: z.string(),
      items: z.record(z.string(), z.strictObject({ text: z.string() })).default({}),
    }),
    outputs: z.object({}),
    async preflight(context, wanted, _, isWhole) {
      asked.push({ id: context.id, items: wanted.items, isWhole });
      if (!("theirs" in wanted.items)) return;
      throw new ExplainedError({ step: "claiming theirs", found: "taken", remedy: "Leave it." });
    },
    observe: async () => undefined,
    apply: async () => ({}),
    remove: async () => {},
  });
  return { asked, provider: new DefinitionProvider(definition) };
}

const declared = { host: "h", items: { a: { text: "1" } }, [hidden.name]: "a_of_dc1_of_site" };

test("a declaration that the preflight refuses fails the check, and the reason names the host", async () => {
  const { asked, provider: one } = provider();
  const { failures } = await one.check({}, { ...declared, items: { theirs: { text: "" } } });
  expect(failures).toEqual([
    { property: "", reason: "host h: claiming theirs: taken\n  What to do: Leave it." },
  ]);
  expect(asked).toHaveLength(1);
});

test("the preflight runs for changes only, with the name of the resource's first declaration", async () => {
  const { asked, provider: one } = provider();
  const { inputs } = await one.check({}, declared);
  expect(asked).toEqual([{ id: "example-a_of_dc1_of_site", items: declared.items, isWhole: true }]);
  await one.check(inputs, declared);
  expect(asked).toHaveLength(1);
  const renamed = { ...inputs, [hidden.name]: "dc1-a" };
  const items = { ...declared.items, b: { text: "2" } };
  expect((await one.check(renamed, { ...declared, items })).inputs).toMatchObject({ [hidden.name]: "dc1-a" });
  expect(asked.slice(1)).toEqual([{ id: "example-dc1-a", items, isWhole: true }]);
});

test("the preflight gets only known values, and does not run when the host is unknown", async () => {
  const { asked, provider: one } = provider();
  const items = { ...declared.items, late: { text: unknown } };
  const { inputs, failures } = await one.check({}, { ...declared, items });
  expect({ items: inputs.items, failures }).toEqual({ items, failures: [] });
  await one.check({}, { ...declared, items: unknown });
  await one.check({}, { ...declared, host: unknown });
  expect(asked).toEqual([
    { id: "example-a_of_dc1_of_site", items: declared.items, isWhole: false },
    { id: "example-a_of_dc1_of_site", items: {}, isWhole: false },
  ]);
});

test("the inputs of the first version have no key for it, which a preview would show", async () => {
  const { inputs } = await provider().provider.check({}, declared);
  expect(inputs).toEqual(declared);
});
