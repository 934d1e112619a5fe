import * as pulumi from "@pulumi/pulumi";
import { Files } from "../../resources/host/files.ts";
import { Packages } from "../../resources/host/packages.ts";
import { Services } from "../../resources/host/services.ts";
import { nameOnHosts } from "../../resources/kernel/name-on-hosts.ts";
import { type ImageMirrorPlan, planImageMirror } from "../../resources/mirror/images/plan.ts";
import { ImageTree } from "../../resources/mirror/images/tree.ts";
import type { MaasSelection } from "../../values/maas-selection.ts";
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
import { webSite } from "../serving/web-site.ts";
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
    const settings = checkedArguments("ImageMirror", name, args, imageMirrorSchema);
    const { host, serve, upstream, pinnedTo } = settings;
    const tlsKey = checkedTls(this, `imageMirrors.${name}`, args.serve?.tls?.key, host, serve);
    const called = settings.nameOnHost ?? name;
    const place = placeOf("images", called, settings.directory);
    const site = webSite(serve, `${place.directory}/current/public`, nameOnHosts(called));
    const child = (dependsOn: pulumi.Resource[] = []): pulumi.CustomResourceOptions => ({
      parent: this,
      dependsOn,
    });
    // Upstream is read with its secrets in clear; what is found with them is no secret.
    const found = async () =>
      planImageMirror({
        ...settings,
        ...place,
        upstream: { ...upstream, ...(await knownAccess(args.upstream)) },
      });
    const plan = pulumi.output(lookedUp(this, `imageMirrors.${name}`, found()));

    const packages = new Packages(
      `${name}-packages`,
      { host, packages: installed("nginx", "curl", "ca-certificates") },
      child(),
    );
    const configuration = new Files(
      `${name}-configuration`,
      {
        host,
        files: { ...site.files },
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
    const tree = new ImageTree(
      `${name}-contents`,
      {
        host,
        ...place,
        upstream: upstream.url,
        plan: plan.digest,
        updated: plan.updated,
        images: plan.images,
        files: plan.files,
        bytes: plan.bytes,
        ...(pinnedTo ? { pinnedTo } : {}),
        keepSnapshots: settings.keepSnapshots,
        ...fetchInputs(upstream, args.upstream),
        deleteContent: settings.deleteContent,
      },
      child([packages, configuration]),
    );
    const services = new Services(
      `${name}-services`,
      { host, services: { "nginx.service": { enabled: true, running: true, reloadOn: digestsOf(site) } } },
      child([packages, configuration]),
    );

    // What is said of the mirror becomes true when it is served: MAAS is pointed at it after that. Unlike its outputs, a
    // resource's URN is known to a preview, which so shows what changes in MAAS.
    const served = <T>(value: pulumi.Input<T>) =>
      pulumi.all([value, tree.urn, services.urn]).apply(([known]) => known as T);
    this.url = served(plan.apply(async () => `${await urlOf(host, serve)}/`));
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
