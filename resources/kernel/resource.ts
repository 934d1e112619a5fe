import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { keepOutOfDebugLines } from "./debug-lines.ts";
import type { DeclaredValue } from "./declared.ts";
import type { AnyDefinition, DefinedBy } from "./definition.ts";
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

/** The arguments of a resource: what its inputs' schema takes. */
export type ResourceArgs<Definition extends { readonly inputs: z.ZodObject }> = DeclaredValue<
  z.input<Definition["inputs"]>
>;

type OutputsOf<Values> = { readonly [Key in keyof Values]: pulumi.Output<Values[Key]> };

/** The class of a definition's resources: its inputs, with defaults, and its outputs are the outputs of each. */
type ResourceClass<Inputs extends z.ZodObject, Outputs extends z.ZodObject> = new (
  name: string,
  args: DeclaredValue<z.input<Inputs>>,
  options?: pulumi.CustomResourceOptions,
) => pulumi.CustomResource & OutputsOf<z.output<Inputs>> & OutputsOf<z.output<Outputs>>;

/**
 * The program's side of a definition, as a class to extend:
 *
 *     export class Sysctl extends resourceClass(sysctl) {}
 */
export function resourceClass<Inputs extends z.ZodObject, Outputs extends z.ZodObject>(
  definition: Omit<AnyDefinition, keyof DefinedBy<Inputs, Outputs>> & DefinedBy<Inputs, Outputs>,
): ResourceClass<Inputs, Outputs> {
  const { kind, secrets = [] } = definition;
  const type = `pulumi-nodejs:dynamic/airgapped-maas:${kind}`;
  const outputs = Object.fromEntries(Object.keys(definition.outputs.shape).map((key) => [key, undefined]));
  // Not a `pulumi.dynamic.Resource`, since that would serialise the provider's code into the state.
  class Resource extends pulumi.CustomResource {
    constructor(name: string, args: object, options: pulumi.CustomResourceOptions = {}) {
      super(
        type,
        name,
        {
          ...outputs,
          ...withSecrets(args, secrets),
          [hidden.provider]: providerText(kind),
          [hidden.name]: nameOnHosts(name),
          [hidden.urn]: textOf(pulumi.createUrn(name, type, options.parent)),
        },
        {
          ...options,
          additionalSecretOutputs: [
            ...new Set(secrets.map((path) => path.replace(/\..*/s, ""))),
            ...(options.additionalSecretOutputs ?? []),
          ],
        },
      );
    }
  }
  return Resource as unknown as ResourceClass<Inputs, Outputs>;
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
