import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { keepOutOfDebugLines } from "./debug-lines.ts";
import type { DeclaredValue } from "./declared.ts";
import type { AnyDefinition, DefinedBy } from "./definition.ts";
import { nameOnHosts } from "./name-on-hosts.ts";
import { hidden } from "./stored-properties.ts";

/**
 * The provider code of a kind of resource as stored in the state. It names the kind and the one file that knows all
 * kinds, and must never change: `read` and `delete` run the text that the last update stored, with the release that is
 * then checked out.
 */
export function providerText(kind: string): string {
  return `exports.handler=()=>require("./resources/provider.ts").handler(${JSON.stringify(kind)})`;
}

/** The arguments of a resource, from the schema of its inputs. */
export type ResourceArgs<Definition extends { readonly inputs: z.ZodObject }> = DeclaredValue<
  z.input<Definition["inputs"]>
>;

type OutputsOf<Values> = { readonly [Key in keyof Values]: pulumi.Output<Values[Key]> };

/** The class of a definition's resources. Its outputs are the definition's inputs, with defaults, and outputs. */
type ResourceClass<Inputs extends z.ZodObject, Outputs extends z.ZodObject> = new (
  name: string,
  args: DeclaredValue<z.input<Inputs>>,
  options?: pulumi.CustomResourceOptions,
) => pulumi.CustomResource & OutputsOf<z.output<Inputs>> & OutputsOf<z.output<Outputs>>;

/**
 * The class of a definition for programs, to be extended:
 *
 *     export class Sysctl extends resourceClass(sysctl) {}
 */
export function resourceClass<Inputs extends z.ZodObject, Outputs extends z.ZodObject>(
  definition: Omit<AnyDefinition, keyof DefinedBy<Inputs, Outputs>> & DefinedBy<Inputs, Outputs>,
): ResourceClass<Inputs, Outputs> {
  const { kind, secrets = [] } = definition;
  const type = `pulumi-nodejs:dynamic/airgapped-maas:${kind}`;
  const outputs = Object.fromEntries(Object.keys(definition.outputs.shape).map((key) => [key, undefined]));
  // Not a `pulumi.dynamic.Resource`, which would serialise the provider's code into the state.
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

/** The inputs, with the definition's secrets marked as secret, as deep as its paths say. */
function withSecrets(inputs: object, paths: readonly string[]): object {
  return paths.reduce((all, path) => marked(all, path.split(".")) as object, inputs);
}

function marked(value: unknown, [key, ...inner]: readonly string[]): unknown {
  if (value === undefined) return undefined;
  // An unknown value cannot be divided, so the whole value is secret.
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
 * A URN as a plain text. As an output it would add a dependency on the parent component, and so on all its children: a
 * resource would wait for itself.
 */
function textOf(urn: pulumi.Output<string>): Promise<string> {
  return new Promise((resolve) => urn.apply(resolve));
}
