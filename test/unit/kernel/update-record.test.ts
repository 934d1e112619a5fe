import { expect, test } from "@jest/globals";
import { z } from "zod";
import type { Host, Probe } from "../../../hosts/host.ts";
import { defineResource, PartlyApplied } from "../../../resources/kernel/definition.ts";
import { EngineLog } from "../../../resources/kernel/engine-log.ts";
import { DefinitionProvider } from "../../../resources/kernel/provider.ts";
import { hidden, type Properties } from "../../../resources/kernel/stored-properties.ts";
import { UpdateRecord } from "../../../resources/kernel/update-record.ts";

/** By the name after ssh. Other hosts cannot be reached. */
const machines: Readonly<Record<string, string>> = { one: "a", alias: "a", two: "b" };

/** A provider process of one command, and what it removed. */
function command() {
  const removed: string[] = [];
  const definition = defineResource({
    kind: "Example",
    version: 1,
    inputs: z.strictObject({
      host: z.string(),
      directory: z.string().default("/a"),
      text: z.string().default(""),
    }),
    outputs: z.object({}),
    identity: ["directory"],
    observe: async () => undefined,
    async apply(_, { text }) {
      if (text === "fails") throw new Error("failed");
      if (text === "fails later") throw new PartlyApplied(new Error("failed"), {});
      return {};
    },
    async remove({ id, host }, { directory }) {
      removed.push(`${id} ${host.name} ${directory}`);
    },
  });
  const hosts = (name: string) =>
    ({
      name,
      async facts(probe: Probe<unknown>) {
        if (machines[name] === undefined) throw new Error(`${name} is unreachable`);
        return probe.parse(machines[name]);
      },
    }) as Host;
  const provider = new DefinitionProvider(definition, new EngineLog(undefined), hosts, new UpdateRecord());
  /** The inputs of a declaration. As the engine does, checks a resource to be replaced again, without what is stored. */
  const declare = async (inputs: Properties, olds: Properties = {}) => {
    const { inputs: news, failures = [] } = await provider.check(olds, { ...declared(), ...inputs });
    return { news: news as Properties, reasons: failures.map(({ reason }) => reason) };
  };
  return { provider, removed, declare };
}

const declared = (): Properties => ({ host: "one", [hidden.name]: "net", [hidden.urn]: "urn::net" });
const stored: Properties = { ...declared(), directory: "/a", text: "" };
const id = "example-net";

test("the deletion of a resource that the program does not declare any more removes it", async () => {
  const { provider, removed, declare } = command();
  await declare({ [hidden.name]: "other" });
  await provider.delete(id, stored);
  expect(removed).toEqual(["example-net one /a"]);
});

const renamed = { [hidden.urn]: "urn::renamed" };

test.each([
  ["the same URN, as with --replace", {}],
  ["another URN, as after a rename of its component", renamed],
  ["another URN and another text", { ...renamed, text: "new" }],
  ["another URN, made partly", { ...renamed, text: "fails later" }],
])("the deletion after a creation with the same name and %s removes nothing", async (_, inputs) => {
  const { provider, removed, declare } = command();
  const { news } = await declare(inputs);
  await provider.create(news).catch(() => {});
  await provider.delete(id, stored);
  expect(removed).toEqual([]);
  // Nor does that in the next update, if this one ended before it.
  const next = command();
  await next.provider.diff(id, stored, stored);
  await next.provider.diff(id, news, (await next.declare(inputs, news)).news);
  await next.provider.delete(id, stored);
  expect(next.removed).toEqual([]);
  const destroy = command();
  await destroy.provider.diff(id, stored, stored);
  await destroy.provider.delete(id, stored);
  expect(destroy.removed).toEqual(["example-net one /a"]);
});

test("the deletion before a creation removes the old resource", async () => {
  const { provider, removed, declare } = command();
  const { news } = await declare({});
  await provider.delete(id, stored);
  await provider.create(news);
  expect(removed).toEqual(["example-net one /a"]);
});

test("a replacement by another directory removes the old one, then makes the new one, and keeps that", async () => {
  const { provider, removed, declare } = command();
  const { news } = await declare({ directory: "/b" }, stored);
  expect(await provider.diff(id, stored, news)).toEqual({
    replaces: ["directory"],
    deleteBeforeReplace: true,
  });
  await provider.delete(id, stored);
  await provider.create(news);
  expect(removed).toEqual(["example-net one /a"]);
  await provider.delete(id, { ...stored, directory: "/b" });
  expect(removed).toHaveLength(1);
});

test.each([renamed, { ...renamed, host: "alias" }])(
  "a deletion removes another directory than the declared one, with %j",
  async (inputs) => {
    const { provider, removed, declare } = command();
    await provider.create((await declare({ ...inputs, directory: "/b" })).news);
    await provider.delete(id, stored);
    expect(removed).toEqual(["example-net one /a"]);
  },
);

test("if what takes its place could not be created, a deletion fails and removes nothing", async () => {
  const { provider, removed, declare } = command();
  await expect(provider.create((await declare({ ...renamed, text: "fails" })).news)).rejects.toThrow();
  await expect(provider.delete(id, stored)).rejects.toThrow(
    /^Example net, host one: deleting: the declaration that takes its place could not be created/,
  );
  expect(removed).toEqual([]);
});

test.each([
  ["two", ["example-net one /a"]],
  ["alias", []],
])("a move to the host %s removes on the old host: %j", async (host, expected) => {
  const { provider, removed, declare } = command();
  const { news } = await declare({ host }, stored);
  expect(await provider.diff(id, stored, news)).toEqual({ replaces: ["host"], deleteBeforeReplace: false });
  await provider.create((await declare({ host })).news);
  await provider.delete(id, stored);
  expect(removed).toEqual(expected);
});

test("if it is not known whether a host is the same machine, a deletion fails and removes nothing", async () => {
  const { provider, removed, declare } = command();
  await provider.create((await declare({ host: "nowhere" })).news);
  await expect(provider.delete(id, stored)).rejects.toThrow("nowhere is unreachable");
  expect(removed).toEqual([]);
});

test("a renamed resource keeps its name on the host when it is replaced", async () => {
  const { provider, declare } = command();
  const inputs = { ...renamed, [hidden.name]: "renamed", host: "alias" };
  const first = await declare(inputs, stored);
  await provider.diff(id, stored, first.news);
  const second = await declare(inputs);
  expect(second).toEqual({ news: first.news, reasons: [] });
  expect((await provider.create(second.news)).id).toBe(id);
});

test("two declarations with one name on a host are refused, and the reason names the other one", async () => {
  const { declare } = command();
  expect((await declare({})).reasons).toEqual([]);
  expect((await declare({})).reasons).toEqual([]);
  expect((await declare({ [hidden.urn]: "urn::elsewhere", host: "two" })).reasons).toEqual([]);
  // A renamed resource keeps its name on the host.
  const { reasons } = await declare({ [hidden.name]: "new", [hidden.urn]: "urn::new" }, stored);
  expect(reasons).toEqual([expect.stringMatching(/^host one: .*urn::net is also declared.*example-net/)]);
});
