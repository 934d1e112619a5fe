import * as pulumi from "@pulumi/pulumi";
import { keepOutOfDebugLines } from "./debug-lines.ts";
import type { ResourceDefinition } from "./definition.ts";
import { nameOnHosts } from "./name-on-hosts.ts";
import { hidden } from "./stored-properties.ts";

/**
 * The code that serves a kind of resource, as the state remembers it. It names the kind and the one
 * file that knows all kinds, and must never change: `read` and `delete` run the text that the
 * last update stored, with whatever release is checked out by then.
 */
export function providerText(kind: string): string {
  return `exports.handler=()=>require("./resources/provider.ts").handler(${JSON.stringify(kind)})`;
}

// biome-ignore lint/suspicious/noExplicitAny: definitions of every shape are resources
type AnyDefinition = ResourceDefinition<any, any>;

/**
 * The program's side of a definition. It is not a `pulumi.dynamic.Resource`, since that would
 * serialise the provider's code into the state.
 */
export abstract class DefinedResource extends pulumi.CustomResource {
  constructor(
    definition: AnyDefinition,
    name: string,
    inputs: object,
    outputs: readonly string[],
    options: pulumi.CustomResourceOptions = {},
  ) {
    const type = `pulumi-nodejs:dynamic/airgapped-maas:${definition.kind}`;
    const declared = Object.fromEntries(outputs.map((output) => [output, undefined]));
    super(
      type,
      name,
      {
        ...declared,
        ...withSecrets(inputs, definition.secrets ?? []),
        [hidden.provider]: providerText(definition.kind),
        [hidden.name]: nameOnHosts(name),
        [hidden.urn]: textOf(pulumi.createUrn(name, type, options.parent)),
      },
      {
        ...options,
        additionalSecretOutputs: [
          ...new Set(definition.secrets?.map((path) => path.replace(/\..*/s, ""))),
          ...(options.additionalSecretOutputs ?? []),
        ],
      },
    );
  }
}

/** The inputs with those marked as secret that a definition calls so, as deep as its paths say. */
function withSecrets(inputs: object, paths: readonly string[]): object {
  return paths.reduce((all, path) => marked(all, path.split(".")) as object, inputs);
}

function marked(value: unknown, [key, ...inner]: readonly string[]): unknown {
  if (value === undefined) return undefined;
  // What is not known yet cannot be looked into: all of it is secret then.
  if (key === undefined || !isRecord(value)) {
    keepOutOfDebugLines(value);
    return pulumi.secret(value);
  }
  const keys = Object.keys(value).filter((name) => key === "*" || key === name);
  return { ...value, ...Object.fromEntries(keys.map((name) => [name, marked(value[name], inner)])) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * A URN as mere text. As an output it would bring a dependency on the parent component, and so on
 * all its children: a resource would wait for itself.
 */
function textOf(urn: pulumi.Output<string>): Promise<string> {
  return new Promise((resolve) => urn.apply(resolve));
}
