import { expect, test } from "@jest/globals";
import { z } from "zod";
import type { Host, Probe } from "../../../hosts/host.ts";
import { DeclaredNames } from "../../../resources/kernel/declared-names.ts";
import { defineResource } from "../../../resources/kernel/definition.ts";
import { EngineLog } from "../../../resources/kernel/engine-log.ts";
import { DefinitionProvider } from "../../../resources/kernel/provider.ts";
import { hidden, type Properties } from "../../../resources/kernel/stored-properties.ts";

/** By host: what `cat /etc/machine-id /proc/sys/kernel/random/boot_id` prints. Other hosts cannot be reached. */
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
    apply: async () => ({}),
    remove: async ({ id, host }, { directory }) => {
      removed.push(`${id} ${host.name} ${directory}`);
    },
  });
  const hosts = (name: string) =>
    ({
      name,
      facts: async (probe: Probe<unknown>) => {
        if (machines[name] === undefined) throw new Error("unreachable");
        return probe.parse(machines[name]);
      },
    }) as Host;
  const provider = new DefinitionProvider(definition, new EngineLog(undefined), hosts, new DeclaredNames());
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

test.each([
  ["the same URN, as with --replace", {}],
  ["another URN, as after a rename of its component", { [hidden.urn]: "urn::renamed" }],
  ["another URN and other inputs", { [hidden.urn]: "urn::renamed", directory: "/b", text: "new" }],
])("the deletion after a declaration of the same name with %s removes nothing", async (_, inputs) => {
  const { provider, removed, declare } = command();
  const { news } = await declare(inputs);
  await provider.create(news);
  await provider.delete(id, stored);
  expect(removed).toEqual([]);
  // Nor does that in the next update, if this one ended before it.
  const next = command();
  await next.provider.diff(id, news, (await next.declare(inputs, news)).news);
  await next.provider.delete(id, stored);
  expect(next.removed).toEqual([]);
  const destroy = command();
  await destroy.provider.delete(id, stored);
  expect(destroy.removed).toEqual(["example-net one /a"]);
});

test("a replacement on the same host removes the old resource before it creates the new one, and only then", async () => {
  const { provider, removed, declare } = command();
  const { news } = await declare({ directory: "/b" }, stored);
  expect(await provider.diff(id, stored, news)).toEqual({
    replaces: ["directory"],
    deleteBeforeReplace: true,
  });
  await provider.delete(id, stored);
  expect(removed).toEqual(["example-net one /a"]);
  await provider.create(news);
  await provider.delete(id, stored);
  expect(removed).toHaveLength(1);
});

test("the engine's comparison of a drift, before the program runs, does not count as a replacement", async () => {
  const { provider, removed, declare } = command();
  await provider.diff(id, { ...stored, directory: "/drift" }, stored);
  const { news } = await declare({ [hidden.urn]: "urn::renamed" });
  await provider.diff(id, stored, news);
  await provider.delete(id, stored);
  expect(removed).toEqual([]);
});

test.each([
  ["two", ["example-net one /a"]],
  ["unreachable", ["example-net one /a"]],
  ["alias", []],
])("a move to the host %s removes on the old host: %j", async (host, expected) => {
  const { provider, removed, declare } = command();
  const { news } = await declare({ host }, stored);
  expect(await provider.diff(id, stored, news)).toEqual({ replaces: ["host"], deleteBeforeReplace: false });
  await provider.create(news);
  await provider.delete(id, stored);
  expect(removed).toEqual(expected);
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
