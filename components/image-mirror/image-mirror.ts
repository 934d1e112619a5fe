import * as pulumi from "@pulumi/pulumi";
import { Files } from "../../resources/host/files.ts";
import { Packages } from "../../resources/host/packages.ts";
import { Services } from "../../resources/host/services.ts";
import { type ImageMirrorPlan, planImageMirror } from "../../resources/mirror/images/plan.ts";
import { ImageTree } from "../../resources/mirror/images/tree.ts";
import type { MaasSelection } from "../../values/maas-selection.ts";
import { checkedArguments } from "../arguments/checked-arguments.ts";
import { derived } from "../arguments/late-values.ts";
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
import { type ImageMirrorArgs, imageMirrorSchema } from "./args.ts";

/**
 * A mirror of the images that MAAS boots and deploys: planned from what upstream signed, fetched in parallel, published
 * whole or not at all, served by nginx. Its index is upstream's, byte for byte, so upstream's key verifies it.
 *
 * @example
 * new ImageMirror("images", {
 *   host: "mirror",
 *   upstream: { url: "http://images.maas.io/ephemeral-v3/stable/" },
 *   images: [{ os: "ubuntu", releases: ["jammy", "noble"] }],
 * });
 */
export class ImageMirror extends pulumi.ComponentResource {
  /** For a boot source of MAAS, e.g. `http://mirror.dc1.example/ephemeral-v3/stable/`. */
  readonly url: pulumi.Output<string>;
  /** The keys that MAAS must trust for it: a binary keyring, in base64. */
  readonly keyring: pulumi.Output<string>;
  /** The same keys as armored text, for people. MAAS's gpgv does not read it. */
  readonly publicKey: pulumi.Output<string>;
  /** Full fingerprint of the key that signed the stream (of several, separated by blanks). */
  readonly fingerprint: pulumi.Output<string>;
  /** What the mirror holds: by image its newest serial, products with their serials and bytes; files, bytes, the plan's digest. */
  readonly contents: pulumi.Output<
    Pick<ImageMirrorPlan, "images" | "files" | "bytes"> & { readonly plan: string }
  >;
  /** The newest serial of each image, e.g. `{ "ubuntu/noble/amd64": "20261120" }`. */
  readonly serials: pulumi.Output<Readonly<Record<string, string>>>;
  /** What MAAS is to select, so that it asks for nothing that the mirror does not hold. */
  readonly selections: pulumi.Output<readonly MaasSelection[]>;
  /** What upstream's index offers and the mirror does not hold, so that nothing may select it: `products` in the stream's own names, and `images`, e.g. `ubuntu focal arm64`. */
  readonly notHeld: pulumi.Output<ImageMirrorPlan["notHeld"]>;
  /** The published snapshot's name on the host, e.g. `000007-0f3c2a9be114`, for `pinnedTo`. */
  readonly tree: pulumi.Output<string>;

  constructor(name: string, args: ImageMirrorArgs, options?: pulumi.ComponentResourceOptions) {
    super("airgapped-maas:index:ImageMirror", name, {}, options);
    const given = checkedArguments(this, `ImageMirror ${name}`, args, imageMirrorSchema);
    const { settings, each } = given;
    const { host } = each;
    const tlsKey = checkedTls(this, `imageMirrors.${name}`, given);
    const called = calledOnHost(name, given.plain("nameOnHost"));
    const { directory, store, site } = published("images", called, settings);
    const child = (dependsOn: pulumi.Resource[] = []): pulumi.CustomResourceOptions => ({
      parent: this,
      dependsOn,
    });
    const plan = planned(this, `imageMirrors.${name}`, given, ["upstream"], (settings) =>
      planImageMirror({ ...settings, ...placeOf("images", called, settings.directory) }),
    );

    const packages = new Packages(
      `${name}-packages`,
      { host, packages: installed("nginx", "curl", "ca-certificates") },
      child(),
    );
    const configuration = new Files(
      `${name}-configuration`,
      { host, ...filesOf(site, tlsKey) },
      child([packages]),
    );
    const tree = new ImageTree(
      `${name}-contents`,
      {
        host,
        directory,
        store,
        upstream: derived(each.upstream, ({ url }) => url),
        plan: plan.digest,
        updated: plan.updated,
        images: plan.images,
        files: plan.files,
        bytes: plan.bytes,
        pinnedTo: each.pinnedTo,
        keepSnapshots: each.keepSnapshots,
        ...fetchInputs(given),
        deleteContent: each.deleteContent,
      },
      child([packages, configuration]),
    );
    const services = new Services(
      `${name}-services`,
      { host, ...servicesOf(site) },
      child([packages, configuration]),
    );

    // What is said of the mirror becomes true when it is served: MAAS is pointed at it after that. Unlike its outputs, a
    // resource's URN is known to a preview, which so shows what changes in MAAS.
    const served = <T>(value: pulumi.Input<T>) =>
      pulumi.all([value, tree.urn, services.urn]).apply(([known]) => known as T);
    this.url = served(
      pulumi.all([settings, plan]).apply(async ([{ host, serve }]) => `${await urlOf(host, serve)}/`),
    );
    this.keyring = plan.keyring;
    this.publicKey = plan.publicKey;
    this.fingerprint = plan.fingerprints.apply((fingerprints) => fingerprints.join(" "));
    this.tree = tree.tree;
    this.contents = pulumi
      .all([tree.plan, tree.images, tree.files, tree.bytes])
      .apply(([plan, images, files, bytes]) => ({ plan, images, files, bytes }));
    this.serials = tree.images.apply((images) =>
      Object.fromEntries(Object.entries(images).map(([image, { serial }]) => [image, serial])),
    );
    this.selections = served(plan.selections as pulumi.Output<readonly MaasSelection[]>);
    this.notHeld = served(plan.notHeld as pulumi.Output<ImageMirrorPlan["notHeld"]>);
    this.registerOutputs({
      url: this.url,
      keyring: this.keyring,
      publicKey: this.publicKey,
      fingerprint: this.fingerprint,
      contents: this.contents,
      serials: this.serials,
      selections: this.selections,
      notHeld: this.notHeld,
      tree: this.tree,
    });
  }
}
