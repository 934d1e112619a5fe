import * as pulumi from "@pulumi/pulumi";
import { sourcesEntry } from "../../content/apt/sources-entry.ts";
import { Files } from "../../resources/host/files.ts";
import { Packages } from "../../resources/host/packages.ts";
import { Services } from "../../resources/host/services.ts";
import { formerKeyDirectory, keyDirectory, SigningKey } from "../../resources/host/signing-key.ts";
import { type AptMirrorPlan, planAptMirror } from "../../resources/mirror/apt/plan.ts";
import { reproConfiguration } from "../../resources/mirror/apt/reprepro-configuration.ts";
import { AptTree } from "../../resources/mirror/apt/tree.ts";
import { checkedArguments } from "../arguments/checked-arguments.ts";
import { derived, type Late, outputOf } from "../arguments/late-values.ts";
import {
  calledOnHost,
  checkedTls,
  filesOf,
  installed,
  placeOf,
  planned,
  published,
  servicesOf,
  urlOf,
} from "../serving/mirror-site.ts";
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
  readonly suites: pulumi.Output<readonly string[]>;
  readonly components: pulumi.Output<readonly string[]>;
  readonly architectures: pulumi.Output<readonly string[]>;
  /** All three, at hand where they were declared as plain values. */
  readonly holdings: Late<Holdings>;
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
    const given = checkedArguments(this, `AptMirror ${name}`, args, aptMirrorSchema);
    const { settings, each } = given;
    const { host } = each;
    const signing = given.plain("signing");
    const mirrorSigned = signing === "mirror";
    const tlsKey = checkedTls(this, `aptMirrors.${name}`, given);
    const called = calledOnHost(name, given.plain("nameOnHost"));
    const { directory, store, site } = published("apt", called, settings);
    const child = (dependsOn: pulumi.Resource[] = []): pulumi.CustomResourceOptions => ({
      parent: this,
      dependsOn,
    });
    const plan = planned(this, `aptMirrors.${name}`, given, ["upstream"], (settings) =>
      planAptMirror({
        ...settings,
        ...placeOf("apt", called, settings.directory),
        ...(mirrorSigned ? { keyDirectories: [keyDirectory(called), formerKeyDirectory(called)] } : {}),
      }),
    );

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
            keepOnRemove: derived(each.deleteContent, (goes) => !goes),
          },
          child([packages]),
        )
      : undefined;
    const served = filesOf(site, tlsKey);
    const files = pulumi
      .all([served.files, settings, directory, plan])
      .apply(([files, settings, directory, found]) => ({
        ...files,
        ...(mirrorSigned ? reproFiles(settings as AptMirrorSettings, directory, found as AptMirrorPlan) : {}),
      }));
    const configuration = new Files(`${name}-configuration`, { host, ...served, files }, child([packages]));
    const tree = new AptTree(
      `${name}-contents`,
      {
        host,
        directory,
        store,
        signing,
        upstream: derived(each.upstream, ({ url }) => url),
        plan: plan.digest,
        suites: plan.suites,
        packages: plan.packages,
        bytes: plan.bytes,
        ...(key
          ? {
              signingKey: {
                directory: key.directory,
                fingerprint: key.fingerprint,
                validSeconds: derived(each.validFor, (validFor) => (validFor ? secondsOf(validFor) : 0)),
              },
            }
          : {}),
        pinnedTo: each.pinnedTo,
        keepSnapshots: each.keepSnapshots,
        ...fetchInputs(given),
        deleteContent: each.deleteContent,
      },
      child([packages, configuration, ...(key ? [key] : [])]),
    );
    new Services(`${name}-services`, { host, ...servicesOf(site) }, child([packages, configuration]));

    this.holdings = derived(settings, ({ suites, components, architectures }) => ({
      suites,
      components,
      architectures,
    }));
    this.url = pulumi.all([settings, plan]).apply(([{ host, serve }]) => urlOf(host, serve));
    this.suites = outputOf(each.suites);
    this.components = outputOf(each.components);
    this.architectures = outputOf(each.architectures);
    this.publicKey = pulumi.output(key?.publicKey);
    this.fingerprint = pulumi.output(key?.fingerprint);
    this.tree = tree.tree;
    // What is said of the contents becomes true when the tree is published: users of it wait for that.
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
