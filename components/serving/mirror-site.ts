import * as pulumi from "@pulumi/pulumi";
import { Files } from "../../resources/host/files.ts";
import { Packages } from "../../resources/host/packages.ts";
import { Services } from "../../resources/host/services.ts";
import { keyDirectory, SigningKey } from "../../resources/host/signing-key.ts";
import { nameOnHosts } from "../../resources/kernel/name-on-hosts.ts";
import { digestOf } from "../../values/digest.ts";
import type { CheckedArguments } from "../arguments/checked-arguments.ts";
import { derived, derivedFrom, type Late } from "../arguments/late-values.ts";
import { type Found, planned } from "../arguments/lookup.ts";
import { checkedTls } from "./checked-tls.ts";
import { checkedNameOnHost, type MirrorKind, type MirrorPlace, placeOf } from "./mirror-place.ts";
import { type Served, urlOf } from "./mirror-url.ts";
import { type WebSite, webSite } from "./web-site.ts";

/** The arguments that every kind of mirror has. */
interface MirrorSettings extends Served {
  readonly nameOnHost?: string | undefined;
  readonly directory?: string | undefined;
  readonly deleteContent: boolean;
}

interface Mirror<Settings extends MirrorSettings> {
  readonly kind: MirrorKind;
  /** The component in the stack's configuration, such as `aptMirrors.ubuntu`. */
  readonly path: string;
  readonly args: CheckedArguments<Settings>;
  /** Default: that of `args`. */
  readonly serve?: Late<Settings["serve"]>;
}

/** What every mirror on a host has: a place, a lookup, packages, perhaps a key, and a web site. */
export class MirrorSite<Settings extends MirrorSettings> {
  readonly nameOnHost: string;
  readonly directory: Late<string>;
  readonly store: Late<string>;
  readonly #component: pulumi.ComponentResource;
  readonly #name: string;
  readonly #mirror: Mirror<Settings>;
  readonly #serve: Late<Settings["serve"]>;
  readonly #webSite: Late<WebSite>;
  readonly #tlsKey: pulumi.Output<string> | undefined;

  constructor(component: pulumi.ComponentResource, name: string, mirror: Mirror<Settings>) {
    const { args, path, serve = args.own.serve } = mirror;
    const { directory } = args.own;
    this.#component = component;
    this.#name = name;
    this.#mirror = mirror;
    this.#serve = serve;
    this.#tlsKey = checkedTls(component, path, args);
    this.nameOnHost = checkedNameOnHost(name, args.plain("nameOnHost"));
    this.directory = derived(directory, (declared) => this.#place(declared).directory);
    this.store = derived(directory, (declared) => this.#place(declared).store);
    this.#webSite = derivedFrom([serve, this.directory], (serve, directory) =>
      webSite(serve, `${directory}/current/public`, nameOnHosts(this.nameOnHost)),
    );
  }

  /** The result of the lookup: see `planned`. */
  planned<Result extends Found>(
    withSecrets: readonly (keyof Settings & string)[],
    plan: (settings: Settings, place: MirrorPlace) => Promise<Result>,
  ): pulumi.Output<Result> {
    const { args, path } = this.#mirror;
    return planned(this.#component, path, args, withSecrets, (settings) =>
      plan(settings, this.#place(settings.directory)),
    );
  }

  /** The URL for clients, after the lookup that explains errors of the host. */
  url(plan: pulumi.Output<unknown>): pulumi.Output<string> {
    return pulumi
      .all([this.#host, this.#serve, plan])
      .apply(([host, serve]) => urlOf({ host, serve: serve as Settings["serve"] }));
  }

  packages(...names: string[]): Packages {
    const packages = Object.fromEntries(names.map((name) => [name, "installed" as const]));
    return new Packages(`${this.#name}-packages`, { host: this.#host, packages }, this.child());
  }

  /** @param purpose in the name of the key's user: `package mirror`. */
  signingKey(purpose: string, packages: Packages): SigningKey {
    return new SigningKey(
      `${this.#name}-key`,
      {
        host: this.#host,
        directory: this.keyDirectory,
        userId: `${this.nameOnHost} ${purpose} of ${pulumi.getStack()} (airgapped-maas)`,
        keepOnRemove: derived(this.#mirror.args.own.deleteContent, (isDeleted) => !isDeleted),
      },
      this.child(packages),
    );
  }

  get keyDirectory(): string {
    return keyDirectory(this.nameOnHost);
  }

  /** @param more Further files, in addition to those of the web site. */
  configuration(packages: Packages, more: pulumi.Input<WebSite["files"]> = {}): Files {
    const site = this.#webSite;
    const tlsKey = this.#tlsKey;
    const secretFiles =
      tlsKey &&
      (derived(site, ({ keyPath = "" }) => ({
        [keyPath]: { content: tlsKey, mode: "0600" },
      })) as pulumi.Input<Record<string, { content: pulumi.Input<string>; mode: string }>>);
    return new Files(
      `${this.#name}-configuration`,
      {
        host: this.#host,
        files: pulumi.all([site, more]).apply(([{ files }, more]) => ({ ...files, ...more })),
        absent: derived(site, ({ absent }) => [...absent]),
        checks: derived(site, ({ checks }) => ({ ...checks })),
        holds: derived(site, ({ holds }) => ({ ...holds })),
        reloadOnRemoval: ["nginx.service"],
        ...(secretFiles ? { secretFiles } : {}),
      },
      this.child(packages),
    );
  }

  /** nginx must read its files again when one of them changes. */
  services(packages: Packages, configuration: Files): Services {
    const services = derived(this.#webSite, ({ files }) => ({
      "nginx.service": { enabled: true, running: true, reloadOn: digestsOf(files) },
    }));
    return new Services(
      `${this.#name}-services`,
      { host: this.#host, services },
      this.child(packages, configuration),
    );
  }

  /** The options of a child of the component. */
  child(...dependsOn: pulumi.Resource[]): pulumi.CustomResourceOptions {
    return { parent: this.#component, dependsOn };
  }

  get #host(): Late<string> {
    return this.#mirror.args.own.host;
  }

  #place(directory: string | undefined): MirrorPlace {
    return placeOf(this.#mirror.kind, this.nameOnHost, directory);
  }
}

function digestsOf(files: WebSite["files"]): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, { content }]) => [path, digestOf(content)]));
}
