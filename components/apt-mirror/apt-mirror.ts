import * as pulumi from "@pulumi/pulumi";
import { sourcesEntry } from "../../content/apt/sources-entry.ts";
import { Files } from "../../resources/host/files.ts";
import { Packages } from "../../resources/host/packages.ts";
import { Services } from "../../resources/host/services.ts";
import { formerKeyDirectory, keyDirectory, SigningKey } from "../../resources/host/signing-key.ts";
import { nameOnHosts } from "../../resources/kernel/name-on-hosts.ts";
import { type AptMirrorPlan, planAptMirror } from "../../resources/mirror/apt/plan.ts";
import { reproConfiguration } from "../../resources/mirror/apt/reprepro-configuration.ts";
import { AptTree } from "../../resources/mirror/apt/tree.ts";
import {
  checkedArguments,
  checkedTls,
  digestsOf,
  installed,
  lookedUp,
  placeOf,
  urlOf,
} from "../serving/mirror-site.ts";
import { fetchInputs, knownAccess } from "../serving/upstream-args.ts";
import { type WebSite, webSite } from "../serving/web-site.ts";
import { type AptMirrorArgs, type AptMirrorSettings, aptMirrorSchema, secondsOf } from "./args.ts";

/**
 * An Ubuntu (or Debian) package mirror on a host: planned from what upstream signed, fetched in
 * parallel, published whole or not at all, served by nginx.
 *
 * @example
 * new AptMirror("ubuntu", {
 *   host: "mirror",
 *   upstream: { url: "http://archive.ubuntu.com/ubuntu" },
 *   suites: ["noble", "noble-updates", "noble-security"],
 * });
 */
export class AptMirror extends pulumi.ComponentResource {
  /** Where clients find it, e.g. `http://mirror.dc1.example/ubuntu`. */
  readonly url: pulumi.Output<string>;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  /** Armored public key that clients need; undefined where upstream's signature is served. */
  readonly publicKey: pulumi.Output<string | undefined>;
  /** Its fingerprint. */
  readonly fingerprint: pulumi.Output<string | undefined>;
  /** What the mirror holds: per suite upstream's date and digest, packages and bytes; in all packages, bytes; the plan's digest. */
  readonly contents: pulumi.Output<
    Pick<AptMirrorPlan, "suites" | "packages" | "bytes"> & { readonly plan: string }
  >;
  /** The published snapshot's name on the host, e.g. `000007-0f3c2a9be114`, for `pinnedTo`. */
  readonly tree: pulumi.Output<string>;
  /** A deb822 entry for `/etc/apt/sources.list.d/NAME.sources` on a client, the key included. */
  readonly sourcesEntry: pulumi.Output<string>;

  constructor(name: string, args: AptMirrorArgs, options?: pulumi.ComponentResourceOptions) {
    super("airgapped-maas:index:AptMirror", name, {}, options);
    const settings = checkedArguments("AptMirror", name, args, aptMirrorSchema);
    const { host, signing, suites, serve } = settings;
    const mirrorSigned = signing === "mirror";
    const tlsKey = checkedTls(this, `aptMirrors.${name}`, args.serve?.tls?.key, host, serve);
    const called = settings.nameOnHost ?? name;
    const place = placeOf("apt", called, settings.directory);
    const site = webSite(serve, `${place.directory}/current/public`, nameOnHosts(called));
    const child = (dependsOn: pulumi.Resource[] = []): pulumi.CustomResourceOptions => ({
      parent: this,
      dependsOn,
    });

    // Upstream is read with its secrets in clear; what is found with them is no secret.
    const found = async () =>
      planAptMirror({
        ...settings,
        ...place,
        ...(mirrorSigned ? { keyDirectories: [keyDirectory(called), formerKeyDirectory(called)] } : {}),
        upstream: { ...settings.upstream, ...(await knownAccess(args.upstream)) },
      });
    const plan = pulumi.output(lookedUp(this, `aptMirrors.${name}`, found()));

    const packages = new Packages(
      `${name}-packages`,
      {
        host,
        packages: installed(
          "nginx",
          "curl",
          "ca-certificates",
          ...(mirrorSigned ? ["reprepro", "gnupg", "xz-utils"] : []),
        ),
      },
      child(),
    );
    const key = mirrorSigned
      ? new SigningKey(
          `${name}-key`,
          {
            host,
            directory: keyDirectory(called),
            formerDirectory: formerKeyDirectory(called),
            userId: `${called} package mirror of ${pulumi.getStack()} (airgapped-maas)`,
            keepOnRemove: !settings.deleteContent,
          },
          child([packages]),
        )
      : undefined;
    const configuration = new Files(
      `${name}-configuration`,
      {
        host,
        files: plan.apply((found) => ({
          ...site.files,
          ...(mirrorSigned ? reproFiles(settings, place.directory, found) : {}),
        })),
        absent: [...site.absent],
        checks: { ...site.checks },
        holds: { ...site.holds },
        reloadOnRemoval: ["nginx.service"],
        ...(site.keyPath && tlsKey
          ? { secretFiles: { [site.keyPath]: { content: tlsKey, mode: "0600" } } }
          : {}),
      },
      child([packages]),
    );
    const tree = new AptTree(
      `${name}-contents`,
      {
        host,
        ...place,
        signing,
        upstream: settings.upstream.url,
        plan: plan.digest,
        suites: plan.suites,
        packages: plan.packages,
        bytes: plan.bytes,
        ...(key
          ? {
              signingKey: {
                directory: key.directory,
                fingerprint: key.fingerprint,
                validSeconds: settings.validFor ? secondsOf(settings.validFor) : 0,
              },
            }
          : {}),
        ...(settings.pinnedTo ? { pinnedTo: settings.pinnedTo } : {}),
        keepSnapshots: settings.keepSnapshots,
        ...fetchInputs(settings.upstream, args.upstream),
        deleteContent: settings.deleteContent,
      },
      child([packages, configuration, ...(key ? [key] : [])]),
    );
    new Services(
      `${name}-services`,
      { host, services: { "nginx.service": { enabled: true, running: true, reloadOn: digestsOf(site) } } },
      child([packages, configuration]),
    );

    this.url = plan.apply(() => urlOf(host, serve));
    this.suites = suites;
    this.components = settings.components;
    this.architectures = settings.architectures;
    this.publicKey = pulumi.output(key?.publicKey);
    this.fingerprint = pulumi.output(key?.fingerprint);
    this.tree = tree.tree;
    // What is said of the contents becomes true when the tree is published: users of it wait for that.
    this.contents = pulumi
      .all([tree.plan, tree.suites, tree.packages, tree.bytes])
      .apply(([plan, held, count, bytes]) => ({ plan, suites: held, packages: count, bytes }));
    this.sourcesEntry = pulumi
      .all([this.url, this.publicKey, plan.upstreamKey])
      .apply(([url, publicKey, upstreamKey]) =>
        sourcesEntry({
          url,
          suites,
          components: settings.components,
          architectures: settings.architectures,
          signedBy: publicKey ?? upstreamKey,
        }),
      );
    this.registerOutputs({
      url: this.url,
      suites,
      publicKey: this.publicKey,
      fingerprint: this.fingerprint,
      contents: this.contents,
      tree: this.tree,
      sourcesEntry: this.sourcesEntry,
    });
  }
}

function reproFiles(settings: AptMirrorSettings, directory: string, plan: AptMirrorPlan): WebSite["files"] {
  const files = reproConfiguration({
    directory,
    suites: settings.suites.map((suite) => ({ name: suite, header: plan.headers[suite] ?? {} })),
    components: settings.components,
    architectures: settings.architectures,
    sources: settings.extras.sources,
    installer: settings.extras.installer,
  });
  return Object.fromEntries(
    Object.entries(files).map(([file, content]) => [`${directory}/reprepro/conf/${file}`, { content }]),
  );
}
