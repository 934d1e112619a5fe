import { expect, test } from "@jest/globals";
import { z } from "zod";
import { defineResource, type Status } from "../../../resources/kernel/definition.ts";
import { DefinitionProvider } from "../../../resources/kernel/provider.ts";
import { hidden } from "../../../resources/kernel/stored-properties.ts";

/** A resource whose host always has the applied state. `found` is the result of the next observation. */
function example(found: { status: Status; facts?: string }) {
  const applied: unknown[] = [];
  const definition = defineResource({
    kind: "Example",
    version: 1,
    inputs: z.strictObject({ host: z.string(), text: z.string() }),
    outputs: z.object({ path: z.string() }),
    status: { integrity: "complete", freshness: "fresh" },
    observe: async (_, inputs) => ({ inputs, outputs: { path: "/x" }, ...found }),
    async apply(_, _wanted, observed) {
      applied.push({ status: observed?.status, facts: observed?.facts });
      return { path: "/x" };
    },
    remove: async () => {},
  });
  return { provider: new DefinitionProvider(definition), applied };
}

const declared = { host: "h", text: "a", [hidden.name]: "a_of_dc1_of_site" };
const inOrder = { integrity: "complete", freshness: "fresh" };

test("a status is stored in addition to the declared inputs", async () => {
  const { provider } = example({ status: {} });
  const { inputs, failures } = await provider.check({}, declared);
  expect([failures, inputs.status]).toEqual([[], inOrder]);
  const { outs } = await provider.create(inputs as never);
  expect(outs).toMatchObject({ text: "a", path: "/x", status: inOrder });
  const refused = await provider.check({}, { ...declared, status: { integrity: "mine" } });
  expect(refused.failures?.map(({ reason }) => reason)).toEqual([expect.stringContaining('"status" is not')]);
});

test("a part of the status that is not in order is drift, and the other parts do not change", async () => {
  const found: { status: Status } = { status: {} };
  const { provider } = example(found);
  const { inputs } = await provider.check({}, declared);
  const { id, outs } = await provider.create(inputs as never);
  expect((await provider.diff(id, outs as never, inputs as never)).changes).toBe(false);
  found.status = { integrity: "1 file is missing" };
  const { props } = await provider.read(id, outs as never);
  expect(props?.status).toEqual({ ...inOrder, integrity: "1 file is missing" });
  expect((await provider.diff(id, props as never, inputs as never)).changes).not.toBe(false);
  const { outs: mended } = await provider.update(id, props as never, inputs as never);
  expect(mended?.status).toEqual(inOrder);
});

test("the update gets the observed status and facts, and facts are not stored", async () => {
  const { provider, applied } = example({ status: { freshness: "expired" }, facts: "key 7" });
  const { inputs } = await provider.check({}, declared);
  const { id, outs } = await provider.create(inputs as never);
  const { props } = await provider.read(id, outs as never);
  expect(applied).toEqual([{ status: { freshness: "expired" }, facts: "key 7" }]);
  expect(JSON.stringify([outs, props])).not.toContain("key 7");
});
