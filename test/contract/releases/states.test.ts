import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { repository } from "../../../lab/paths.ts";
import type { AnyDefinition } from "../../../resources/kernel/definition.ts";
import { providerText } from "../../../resources/kernel/resource.ts";
import {
  inputsOf,
  outputsOf,
  type Properties,
  upgraded,
} from "../../../resources/kernel/stored-properties.ts";
import { definitions } from "../../../resources/provider.ts";
import { ProviderProcess } from "../provider-process.ts";
import { releases, resourcesOf, type StoredResource } from "./states.ts";

const ours = /^pulumi-nodejs:dynamic\/airgapped-maas:/;
const kindOf = ({ type }: StoredResource) => type.replace(ours, "");

/** The definition, and the stored properties in the present format. */
function read(resource: StoredResource): { definition: AnyDefinition; properties: Properties } {
  const definition = definitions.find(({ kind }) => kind === kindOf(resource)) as AnyDefinition;
  return { definition, properties: upgraded(definition, resource.outputs as Properties) };
}

test("the state of the last release is recorded", async () => {
  const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  expect(releases.at(-1)).toBe(version);
});

describe.each(releases)("the state that %s wrote", (release) => {
  let resources: StoredResource[];
  let provider: ProviderProcess;

  beforeAll(async () => {
    resources = (await resourcesOf(release)).filter(({ type }) => ours.test(type));
    provider = await ProviderProcess.start(repository);
    await provider.configure();
  }, 60_000);
  afterAll(() => provider?.close());

  test("has only kinds of resources that this release has", () => {
    const kinds = new Set(definitions.map(({ kind }) => kind));
    expect(resources.map(kindOf).filter((kind) => !kinds.has(kind))).toEqual([]);
    expect(new Set(resources.map(kindOf)).size).toBeGreaterThanOrEqual(12);
  });

  test("has the same code text for each resource as this release", () => {
    const named = resources.map(({ inputs }) => inputs?.__provider);
    expect(named).toEqual(resources.map((resource) => providerText(kindOf(resource))));
  });

  test("has inputs and outputs that this release accepts", () => {
    const refused = resources.flatMap((resource) => {
      const { definition, properties } = read(resource);
      const results = [
        definition.inputs.safeParse(inputsOf(definition, properties)),
        definition.outputs.safeParse(outputsOf(definition, properties)),
      ];
      return results.flatMap(({ error }) => (error ? [`${resource.urn}: ${error.message}`] : []));
    });
    expect(refused).toEqual([]);
  });

  test("has only outputs whose names this release knows", () => {
    const lost = resources.flatMap((resource) => {
      const { definition, properties } = read(resource);
      const unknown = Object.keys(outputsOf(definition, properties)).filter(
        (key) => !(key in definition.outputs.shape),
      );
      return unknown.map((key) => `${resource.urn}: ${key}`);
    });
    expect(lost).toEqual([]);
  });

  test("does not differ from what was declared", async () => {
    const changed: string[] = [];
    for (const { id, urn, inputs, outputs } of resources) {
      const { changes } = await provider.diff(id as string, outputs as Properties, inputs as Properties);
      if (changes !== "none") changed.push(urn);
    }
    expect(changed).toEqual([]);
  });
});
