import { beforeAll, describe, expect, test } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { defineResource } from "../../../resources/kernel/definition.ts";
import { resourceClass } from "../../../resources/kernel/resource.ts";
import { hidden } from "../../../resources/kernel/stored-properties.ts";

const definition = defineResource({
  kind: "Note",
  version: 1,
  inputs: z.object({ host: z.string(), text: z.string().optional(), vault: z.unknown().optional() }),
  outputs: z.object({ path: z.string(), token: z.string() }),
  secrets: ["token", "vault.*.key"],
  observe: async () => undefined,
  apply: async () => ({ path: "/x", token: "t" }),
  remove: async () => {},
});

class Note extends resourceClass(definition) {}
type NoteArgs = ConstructorParameters<typeof Note>[1];

class Site extends pulumi.ComponentResource {
  constructor(name: string) {
    super("airgapped-maas:index:Site", name);
  }
}

const registered: pulumi.runtime.MockResourceArgs[] = [];

beforeAll(async () => {
  await pulumi.runtime.setMocks(
    {
      newResource(args) {
        registered.push(args);
        return { id: `${args.name}-id`, state: { ...args.inputs, path: "/x", token: "t", vault: "v" } };
      },
      call: () => ({}),
    },
    "airgapped-maas",
    "dev",
  );
});

function value<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

describe("a declared resource", () => {
  test("is registered as a dynamic resource of its kind, with its provider's code and its hidden keys", async () => {
    const site = new Site("dc1");
    const note = new Note("my/note", { host: "h1", text: "a" }, { parent: site });
    expect(await value(note.path)).toBe("/x");
    const { type, inputs } = registered.find(({ name }) => name === "my/note") ?? { type: "", inputs: {} };
    expect(type).toBe("pulumi-nodejs:dynamic/airgapped-maas:Note");
    expect(inputs).toEqual({
      host: "h1",
      text: "a",
      [hidden.provider]: 'exports.handler=()=>require("./resources/provider.ts").handler("Note")',
      [hidden.name]: "my_2f_note_of_dev_of_airgapped-maas",
      [hidden.urn]: await value(note.urn),
    });
  });

  test("has as secret outputs those of its definition and those that its user adds, and no others", () => {
    const secret: Record<string, unknown> = {};
    const transformations: pulumi.ResourceTransformation[] = [
      ({ name, opts }) => {
        secret[name] = (opts as pulumi.CustomResourceOptions).additionalSecretOutputs;
        return undefined;
      },
    ];
    new Note("secret", { host: "h1" }, { additionalSecretOutputs: ["path"], transformations });
    new Note("plain", { host: "h1" }, { transformations });
    expect(secret).toEqual({ secret: ["token", "vault", "path"], plain: ["token", "vault"] });
  });

  test("marks as secret the declared properties that its definition lists, also nested ones", async () => {
    const props: Record<string, Record<string, unknown>> = {};
    const transformations: pulumi.ResourceTransformation[] = [
      (resource) => {
        props[resource.name] = resource.props;
        return undefined;
      },
    ];
    const vault = { a: { key: "k", owner: "o" }, b: pulumi.output({ key: "k", owner: "o" }) };
    const deep = { host: "h1", token: Promise.resolve("t"), vault };
    await value(new Note("deep", deep, { transformations }).urn);
    await value(new Note("unknown", { host: "h1", vault: pulumi.output(vault) }, { transformations }).urn);
    await value(
      new Note("undeclared", { host: "h1", token: undefined } as NoteArgs, { transformations }).urn,
    );
    const isSecret = (found: unknown) => pulumi.Output.isInstance(found) && pulumi.isSecret(found);
    const marked = props.deep?.vault as Record<"a" | "b", Record<string, unknown>>;
    expect(await isSecret(props.deep?.token)).toBe(true);
    expect(await isSecret(marked.a.key)).toBe(true);
    expect(marked.a.owner).toBe("o");
    expect(await isSecret(marked.b)).toBe(true);
    expect(await isSecret(props.unknown?.vault)).toBe(true);
    expect(props.undeclared?.token).toBeUndefined();
    const { inputs } = registered.find(({ name }) => name === "deep") ?? { inputs: {} };
    expect(inputs.token).toEqual({
      [pulumi.runtime.specialSigKey]: pulumi.runtime.specialSecretSig,
      value: "t",
    });
  });
});
