import * as pulumi from "@pulumi/pulumi";
import { type ImageMirrorPlan, planImageMirror } from "../../resources/mirror/images/plan.ts";
import { ImageTree } from "../../resources/mirror/images/tree.ts";
import type { MaasSelection } from "../../values/maas-selection.ts";
import { checkedArguments } from "../arguments/checked-arguments.ts";
import { derived } from "../arguments/late-values.ts";
import { MirrorSite } from "../serving/mirror-site.ts";
import { fetchInputs } from "../serving/upstream-args.ts";
import { type ImageMirrorArgs, imageMirrorSchema } from "./args.ts";

/**
 * A mirror of the images that MAAS boots and deploys. It is planned from upstream's signed metadata, fetched in
 * parallel, published atomically, and served by nginx. Upstream's index is published unchanged, so upstream's key
 * verifies it.
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
  /** The same keys as armored text. MAAS's gpgv does not read it. */
  readonly publicKey: pulumi.Output<string>;
  /** Full fingerprint of the key that signed the stream; several are separated by blanks. */
  readonly fingerprint: pulumi.Output<string>;
  /** The content: for each image its newest serial, products with serials and bytes; files, bytes, the plan's digest. */
  readonly contents: pulumi.Output<
    Pick<ImageMirrorPlan, "images" | "files" | "bytes"> & { readonly plan: string }
  >;
  /** The newest serial of each image, e.g. `{ "ubuntu/noble/amd64": "20261120" }`. */
  readonly serials: pulumi.Output<Readonly<Record<string, string>>>;
  /** Selections for MAAS, so that it requests only what the mirror has. */
  readonly selections: pulumi.Output<readonly MaasSelection[]>;
  /**
   * What upstream's index lists but the mirror does not have: `products` by the stream's names, and `images`. MAAS
   * must not select any of it.
   */
  readonly notHeld: pulumi.Output<ImageMirrorPlan["notHeld"]>;
  /** The published snapshot's name on the host, e.g. `000007-0f3c2a9be114`, for `pinnedTo`. */
  readonly tree: pulumi.Output<string>;

  constructor(name: string, args: ImageMirrorArgs, options?: pulumi.ComponentResourceOptions) {
    super("airgapped-maas:index:ImageMirror", name, {}, options);
    const given = checkedArguments(this, `ImageMirror ${name}`, args, imageMirrorSchema);
    const { own } = given;
    const { host } = own;
    const site = new MirrorSite(this, name, { kind: "images", path: `imageMirrors.${name}`, args: given });
    const { directory, store } = site;
    const plan = site.planned(["upstream"], (settings, place) => planImageMirror({ ...settings, ...place }));

    const packages = site.packages("nginx", "curl", "ca-certificates");
    const configuration = site.configuration(packages);
    const tree = new ImageTree(
      `${name}-contents`,
      {
        host,
        directory,
        store,
        upstream: derived(own.upstream, ({ url }) => url),
        plan: plan.digest,
        updated: plan.updated,
        images: plan.images,
        files: plan.files,
        bytes: plan.bytes,
        pinnedTo: own.pinnedTo,
        keepSnapshots: own.keepSnapshots,
        ...fetchInputs(given),
        deleteContent: own.deleteContent,
      },
      site.child(packages, configuration),
    );
    const services = site.services(packages, configuration);

    // MAAS may get the URL only after the mirror is served, so these outputs wait for the tree and the service. They
    // wait for URNs, because a preview knows these, and can show what changes in MAAS.
    const served = <T>(value: pulumi.Input<T>) =>
      pulumi.all([value, tree.urn, services.urn]).apply(([known]) => known as T);
    this.url = served(site.url(plan).apply((url) => `${url}/`));
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
