import * as pulumi from "@pulumi/pulumi";
import { sourcesEntry } from "../../content/apt/sources-entry.ts";
import { type AptMirrorPlan, planAptMirror } from "../../resources/mirror/apt/plan.ts";
import { reproConfiguration } from "../../resources/mirror/apt/reprepro-configuration.ts";
import { AptTree } from "../../resources/mirror/apt/tree.ts";
import { checkedArguments } from "../arguments/checked-arguments.ts";
import { derived, type Late, outputOf } from "../arguments/late-values.ts";
import { MirrorSite } from "../serving/mirror-site.ts";
import { fetchInputs } from "../serving/upstream-args.ts";
import type { WebSite } from "../serving/web-site.ts";
import {
  type AptMirrorArgs,
  type AptMirrorSettings,
  aptMirrorSchema,
  type Holdings,
  secondsOf,
} from "./args.ts";

/**
 * An Ubuntu or Debian package mirror on a host. It is planned from upstream's signed metadata, fetched in parallel,
 * published atomically, and served by nginx.
 *
 * @example
 * new AptMirror("ubuntu", {
 *   host: "mirror",
 *   upstream: { url: "http://archive.ubuntu.com/ubuntu" },
 *   suites: ["noble", "noble-updates", "noble-security"],
 * });
 */
export class AptMirror extends pulumi.ComponentResource {
  /** The URL for clients, e.g. `http://mirror.dc1.example/ubuntu`. */
  readonly url: pulumi.Output<string>;
  readonly suites: pulumi.Output<readonly string[]>;
  readonly components: pulumi.Output<readonly string[]>;
  readonly architectures: pulumi.Output<readonly string[]>;
  /** Suites, components and architectures. Plain values, if they were declared as plain values. */
  readonly holdings: Late<Holdings>;
  /** Armored public key that clients need; undefined with `signing: upstream`. */
  readonly publicKey: pulumi.Output<string | undefined>;
  /** Its fingerprint. */
  readonly fingerprint: pulumi.Output<string | undefined>;
  /** The content: for each suite upstream's date and digest, packages, bytes; the totals; the plan's digest. */
  readonly contents: pulumi.Output<
    Pick<AptMirrorPlan, "suites" | "packages" | "bytes"> & { readonly plan: string }
  >;
  /** The published snapshot's name on the host, e.g. `000007-0f3c2a9be114`, for `pinnedTo`. */
  readonly tree: pulumi.Output<string>;
  /** A deb822 entry for `/etc/apt/sources.list.d/NAME.sources` on a client, the key included. */
  readonly sourcesEntry: pulumi.Output<string>;

  constructor(name: string, args: AptMirrorArgs, options?: pulumi.ComponentResourceOptions) {
    super("airgapped-maas:index:AptMirror", name, {}, options);
    const given = checkedArguments(this, `AptMirror ${name}`, args, aptMirrorSchema);
    const { settings, each, own } = given;
    const { host } = own;
    const signing = given.plain("signing");
    const mirrorSigned = signing === "mirror";
    const site = new MirrorSite(this, name, { kind: "apt", path: `aptMirrors.${name}`, args: given });
    const { directory, store, keyDirectory } = site;
    const plan = site.planned(["upstream"], (settings, place) =>
      planAptMirror({
        ...settings,
        ...place,
        ...(mirrorSigned ? { keyDirectory } : {}),
      }),
    );

    const packages = site.packages(
      "nginx",
      "curl",
      "ca-certificates",
      ...(mirrorSigned ? ["reprepro", "gnupg", "xz-utils"] : []),
    );
    const key = mirrorSigned ? site.signingKey("package mirror", packages) : undefined;
    const reprepro = mirrorSigned
      ? pulumi
          .all([settings, directory, plan])
          .apply(([settings, directory, found]) =>
            reproFiles(settings as AptMirrorSettings, directory, found as AptMirrorPlan),
          )
      : {};
    const configuration = site.configuration(packages, reprepro);
    const tree = new AptTree(
      `${name}-contents`,
      {
        host,
        directory,
        store,
        signing,
        upstream: derived(own.upstream, ({ url }) => url),
        plan: plan.digest,
        suites: plan.suites,
        packages: plan.packages,
        bytes: plan.bytes,
        ...(key
          ? {
              signingKey: {
                directory: key.directory,
                fingerprint: key.fingerprint,
                validSeconds: derived(own.validFor, (validFor) => (validFor ? secondsOf(validFor) : 0)),
              },
            }
          : {}),
        pinnedTo: own.pinnedTo,
        keepSnapshots: own.keepSnapshots,
        ...fetchInputs(given),
        deleteContent: own.deleteContent,
      },
      site.child(packages, configuration, ...(key ? [key] : [])),
    );
    site.services(packages, configuration);

    this.holdings = derived(settings, ({ suites, components, architectures }) => ({
      suites,
      components,
      architectures,
    }));
    this.url = site.url(plan);
    this.suites = outputOf(each.suites);
    this.components = outputOf(each.components);
    this.architectures = outputOf(each.architectures);
    this.publicKey = pulumi.output(key?.publicKey);
    this.fingerprint = pulumi.output(key?.fingerprint);
    this.tree = tree.tree;
    // These wait for the tree, because the content is known only after the snapshot is published.
    this.contents = pulumi
      .all([tree.plan, tree.suites, tree.packages, tree.bytes])
      .apply(([plan, held, count, bytes]) => ({ plan, suites: held, packages: count, bytes }));
    this.sourcesEntry = pulumi
      .all([this.url, this.publicKey, plan.upstreamKey, this.holdings])
      .apply(([url, publicKey, upstreamKey, held]) =>
        sourcesEntry({ url, ...held, signedBy: publicKey ?? upstreamKey }),
      );
    this.registerOutputs({
      url: this.url,
      suites: this.suites,
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
