import * as pulumi from "@pulumi/pulumi";
import { ExplainedError, printable } from "../../errors/explained-error.ts";
import { explainedOnce } from "../../errors/repeated-failure.ts";
import { resolveDestination } from "../../hosts/connections.ts";
import { SshConfigurationError } from "../../hosts/unreachable.ts";
import { nameOnHosts } from "../../resources/kernel/name-on-hosts.ts";
import { mirrorsDirectory } from "../../resources/mirror/published-tree/mirrors-directory.ts";
import { digestOf } from "../../values/digest.ts";
import { type CheckedArguments, saidAsItIs } from "../arguments/checked-arguments.ts";
import { derived, type Late, outputOf } from "../arguments/late-values.ts";
import { tlsFindings } from "./tls-certificate.ts";
import { type Serve, type WebSite, webSite } from "./web-site.ts";

/* What the mirrors of a host have in common: where they are kept, how they are reached, how a lookup speaks. */

interface Place {
  readonly directory: string;
  readonly store: string;
}

/**
 * A mirror's name in paths on its host: `nameOnHost`, or the name of the component, which Pulumi does not restrict.
 *
 * @throws pulumi.RunError if it cannot be part of a path
 */
export function calledOnHost(name: string, nameOnHost: string | undefined): string {
  const called = nameOnHost ?? name;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(called)) {
    throw new pulumi.RunError(
      `${JSON.stringify(called)} cannot be part of a path on a host: give it a nameOnHost of small letters, digits and hyphens`,
    );
  }
  return called;
}

/**
 * Mirrors in the default place share one store, so what two of them hold takes space once. A store must
 * be on its mirror's file system, so a mirror in a place of its own has a store of its own.
 */
export function placeOf(
  room: "apt" | "images" | "custom-images",
  called: string,
  directory: string | undefined,
): Place {
  return directory
    ? { directory, store: `${directory}/store` }
    : {
        directory: `${mirrorsDirectory}/${pulumi.getStack()}/${room}/${called}`,
        store: `${mirrorsDirectory}/store`,
      };
}

/** The directory and the store of what a component publishes, and the web site that serves it. */
export function published(
  room: Parameters<typeof placeOf>[0],
  called: string,
  settings: Late<{ readonly directory?: string | undefined; readonly serve: Serve }>,
) {
  const made = <Result>(make: (place: Place, serve: Serve) => Result) =>
    derived(settings, ({ directory, serve }) => make(placeOf(room, called, directory), serve));
  return {
    directory: made(({ directory }) => directory),
    store: made(({ store }) => store),
    site: made(({ directory }, serve) => webSite(serve, `${directory}/current/public`, nameOnHosts(called))),
  };
}

/**
 * The result of a component's lookup, which starts as soon as the arguments are known. If a preview does not know them, a
 * line beside the component lists them.
 *
 * @param path the component in the stack's configuration, such as `aptMirrors.ubuntu`.
 * @param withSecrets arguments whose secrets the lookup uses. Its result is not secret because of them.
 */
export function planned<
  Settings extends object,
  Found extends { readonly changes: readonly string[]; readonly warnings: readonly string[] },
>(
  component: pulumi.ComponentResource,
  path: string,
  args: CheckedArguments<Settings>,
  withSecrets: readonly (keyof Settings & string)[],
  plan: (settings: Settings) => Promise<Found>,
): pulumi.Output<Found> {
  if (pulumi.runtime.isDryRun()) {
    void args.notYetKnown(...withSecrets).then((unknown) => {
      if (unknown.length === 0) return;
      const line = `${path}: the plan is shown once this is known: ${unknown.join(", ")}`;
      void pulumi.log.info(printable(line), component);
    });
  }
  return args
    .inClear(...withSecrets)
    .apply((settings) => lookedUp(component, path, plan(settings))) as unknown as pulumi.Output<Found>;
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
  args: CheckedArguments<Served>,
): pulumi.Output<string> | undefined {
  const key = args.secret("serve.tls.key");
  if (key === undefined) return undefined;
  const at = `${path}.serve.tls`;
  const look = async ({ host, serve }: Served, known: string | undefined) => {
    // What is wrong with the host is explained by the mirror's lookup.
    const url = await urlOf(host, serve).catch(() => undefined);
    const names = [...serve.serverNames, ...(url ? [new URL(url).hostname] : [])];
    const { certificate = "" } = serve.tls ?? {};
    const { faults, warnings, validity } = tlsFindings({ certificate, key: known }, names);
    if (faults.length > 0) {
      const lines = faults.map((fault) => `${at}.${fault.path}: ${fault.message}`);
      throw saidAsItIs(new pulumi.ResourceError(lines.join("\n"), component, true));
    }
    return { warnings, validity };
  };
  const settings = outputOf(args.settings);
  // A certificate can be looked at before its key is known.
  const early = settings.apply(async (served) => {
    const { warnings, validity } = await look(served, undefined);
    if (validity) void pulumi.log.info(printable(`${at}.certificate: ${validity}`), component);
    for (const warning of warnings)
      void pulumi.log.warn(printable(`${at}.certificate: ${warning}`), component);
  });
  return pulumi.all([key, settings, early]).apply(async ([known, served]) => {
    await look(served as Served, known);
    return known;
  });
}

/** What a host offers to clients. */
interface Served {
  readonly host: string;
  readonly serve: Serve & { readonly address?: string | undefined };
}

/** The files of a site, as arguments of Files. */
export function filesOf(site: Late<WebSite>, tlsKey: pulumi.Output<string> | undefined) {
  return {
    files: derived(site, ({ files }) => ({ ...files })),
    absent: derived(site, ({ absent }) => [...absent]),
    checks: derived(site, ({ checks }) => ({ ...checks })),
    holds: derived(site, ({ holds }) => ({ ...holds })),
    reloadOnRemoval: ["nginx.service"],
    ...(tlsKey
      ? {
          secretFiles: derived(site, ({ keyPath = "" }) => ({
            [keyPath]: { content: tlsKey, mode: "0600" },
          })) as pulumi.Input<Record<string, { content: pulumi.Input<string>; mode: string }>>,
        }
      : {}),
  };
}

/** The service of a site, as arguments of Services: nginx has to read its files again when one of them changes. */
export function servicesOf(site: Late<WebSite>) {
  return {
    services: derived(site, ({ files }) => ({
      "nginx.service": { enabled: true, running: true, reloadOn: digestsOf(files) },
    })),
  };
}

function digestsOf(files: WebSite["files"]): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, { content }]) => [path, digestOf(content)]));
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
