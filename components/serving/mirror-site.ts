import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { ExplainedError, printable } from "../../errors/explained-error.ts";
import { explainedOnce } from "../../errors/repeated-failure.ts";
import { pathText } from "../../errors/wrong-input.ts";
import { resolveDestination } from "../../hosts/connections.ts";
import { SshConfigurationError } from "../../hosts/unreachable.ts";
import { mirrorsDirectory } from "../../resources/mirror/published-tree/mirrors-directory.ts";
import { digestOf } from "../../values/digest.ts";
import { tlsFindings } from "./tls-certificate.ts";
import { type UpstreamAccessArgs, withoutSecrets } from "./upstream-args.ts";
import type { Serve, WebSite } from "./web-site.ts";

/* What the mirrors of a host have in common: where they are kept, how they are reached, how a lookup speaks. */

interface Place {
  readonly directory: string;
  readonly store: string;
}

/**
 * Mirrors in the default place share one store, so what two of them hold takes space once. A store must
 * be on its mirror's file system, so a mirror in a place of its own has a store of its own.
 */
export function placeOf(
  room: "apt" | "images" | "custom-images",
  name: string,
  directory: string | undefined,
): Place {
  // A mirror's name is Pulumi's name of the component, which may be anything.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    throw new pulumi.RunError(
      `${JSON.stringify(name)} cannot be part of a path on a host: give it a nameOnHost of small letters, digits and hyphens`,
    );
  }
  return directory
    ? { directory, store: `${directory}/store` }
    : {
        directory: `${mirrorsDirectory}/${pulumi.getStack()}/${room}/${name}`,
        store: `${mirrorsDirectory}/store`,
      };
}

/** @throws pulumi.RunError that lists everything that is wrong with the arguments */
export function checkedArguments<Schema extends z.ZodType>(
  kind: string,
  name: string,
  args: {
    readonly serve?: { readonly tls?: object | undefined } | undefined;
    readonly upstream?: UpstreamAccessArgs | undefined;
  },
  schema: Schema,
): z.output<Schema> {
  // Secrets may come late and are never shown: the private key is looked at by checkedTls, upstream's by knownAccess.
  const tls = args.serve?.tls && { ...args.serve.tls, key: "given" };
  const open = withoutSecrets(args);
  const result = schema.safeParse(tls ? { ...open, serve: { ...args.serve, tls } } : open);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `  ${pathText(issue.path)}: ${issue.message}`);
  throw new pulumi.RunError(`${kind} ${name} cannot be declared so:\n${lines.join("\n")}`);
}

/**
 * What a lookup found out, with what would change and what a person should know of it said beside the component.
 * Its failures name the declared values at `path` in the stack's configuration.
 */
export async function lookedUp<
  Found extends { readonly changes: readonly string[]; readonly warnings: readonly string[] },
>(component: pulumi.ComponentResource, path: string, lookup: Promise<Found>): Promise<Found> {
  try {
    const contents = await lookup;
    for (const line of contents.changes) void pulumi.log.info(printable(line), component);
    for (const line of contents.warnings) void pulumi.log.warn(printable(line), component);
    return contents;
  } catch (caught) {
    const error = caught instanceof SshConfigurationError ? explainedOnce(caught, path) : caught;
    const message = error instanceof Error ? error.message : String(error);
    const values = error instanceof ExplainedError ? (error.explanation.values ?? []) : [];
    const paths = values.map((value) => `${path}.${value}`).join(" or ");
    throw saidAsItIs(new pulumi.ResourceError(paths ? `${paths}: ${message}` : message, component, true));
  }
}

/** The SDK puts the name of every property that waits for a failed value before its message: a reader has no use for them. */
function saidAsItIs(error: pulumi.ResourceError): pulumi.ResourceError {
  const { message } = error;
  return Object.defineProperty(error, "message", { get: () => message, set: () => {} });
}

export function installed(...names: string[]): Record<string, "installed"> {
  return Object.fromEntries(names.map((name) => [name, "installed"]));
}

/**
 * The private key of `serve.tls`, as a secret that fails where it, or its certificate, is not what nginx takes; what
 * clients will say, and how long the certificate is valid, is said beside the component.
 *
 * @param path the component in the stack's configuration, such as `aptMirrors.ubuntu`.
 */
export function checkedTls(
  component: pulumi.ComponentResource,
  path: string,
  key: pulumi.Input<string> | undefined,
  host: string,
  serve: Serve & { readonly address?: string | undefined },
): pulumi.Output<string> | undefined {
  const certificate = serve.tls?.certificate;
  if (certificate === undefined || key === undefined) return undefined;
  const at = `${path}.serve.tls`;
  const look = async (known: string | undefined) => {
    // What is wrong with the host is explained by the mirror's lookup.
    const url = await urlOf(host, serve).catch(() => undefined);
    const names = [...serve.serverNames, ...(url ? [new URL(url).hostname] : [])];
    const { faults, warnings, validity } = tlsFindings({ certificate, key: known }, names);
    if (faults.length > 0) {
      const lines = faults.map((fault) => `${at}.${fault.path}: ${fault.message}`);
      throw saidAsItIs(new pulumi.ResourceError(lines.join("\n"), component, true));
    }
    return { warnings, validity };
  };
  // A certificate can be looked at before its key is known.
  const early = look(undefined).then(({ warnings, validity }) => {
    if (validity) void pulumi.log.info(printable(`${at}.certificate: ${validity}`), component);
    for (const warning of warnings)
      void pulumi.log.warn(printable(`${at}.certificate: ${warning}`), component);
  });
  early.catch(() => {});
  return pulumi.secret(
    pulumi.all([key, early]).apply(async ([known]) => {
      await look(known);
      return known;
    }),
  );
}

/** nginx has to read its files again when one of them changes. */
export function digestsOf(site: WebSite): Record<string, string> {
  return Object.fromEntries(
    Object.entries(site.files).map(([path, { content }]) => [path, digestOf(content)]),
  );
}

/** Where clients find a mirror. Asked after its lookup, which explains what is wrong with the host. */
export async function urlOf(
  host: string,
  serve: Serve & { readonly address?: string | undefined },
): Promise<string> {
  const address = serve.address ?? serve.serverNames[0] ?? (await resolveDestination(host)).hostname;
  const standard = serve.tls ? 443 : 80;
  const port = serve.port === standard ? "" : `:${serve.port}`;
  return `${serve.tls ? "https" : "http"}://${address}${port}${serve.path}`;
}
