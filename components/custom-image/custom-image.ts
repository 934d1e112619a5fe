import * as pulumi from "@pulumi/pulumi";
import { refuseOtherKind } from "../../content/deployable.ts";
import { distroSeriesOf, fileTypeOf } from "../../maas/upload-names.ts";
import { type ImageFile, imageFileFacts } from "../../resources/host/file-facts.ts";
import { MaasImage } from "../../resources/maas/image.ts";
import { maasConnectionSchema } from "../../resources/maas/region/connection.ts";
import { type CustomImagePlan, planCustomImage } from "../../resources/mirror/custom-image/plan.ts";
import { CustomImageTree } from "../../resources/mirror/custom-image/tree.ts";
import { checkedArguments, faultsOf, plainly } from "../arguments/checked-arguments.ts";
import { derived, derivedFrom, outputOf } from "../arguments/late-values.ts";
import { lookedUp } from "../arguments/lookup.ts";
import { seenRegion } from "../region/region-check.ts";
import { MirrorSite } from "../serving/mirror-site.ts";
import {
  type CustomImageArgs,
  type StreamedImageArgs,
  type StreamSettings,
  servedAt,
  streamSchema,
  type UploadedImageArgs,
  uploadSchema,
  waySchema,
} from "./args.ts";

/** What MAAS needs to import an image from its stream. */
interface ImageSource {
  /** With a trailing slash. */
  readonly url: string;
  /** Binary, in base64. */
  readonly keyring: string;
  readonly selections: CustomImagePlan["selections"];
  /** The version that MAAS must have, by MAAS's name of the image. */
  readonly images: Readonly<Record<string, string>>;
}

/**
 * A custom image that MAAS deploys, such as Rocky Linux, Oracle Linux or a golden Ubuntu image.
 *
 * By default a host publishes it in a separate signed stream. MAAS imports it if you give it to a MaasBootSource.
 * With `via: "upload"` it is sent to MAAS through its API, which accepts every kind of image.
 *
 * @example
 * const rocky9 = new CustomImage("rocky9", {
 *   host: "mirror", os: "rhel", release: "rocky9", title: "Rocky Linux 9", file: "./rocky9.tar.gz",
 * });
 * new MaasBootSource("images", { maas: { host: "maas" }, mirror: images, customImages: [rocky9] });
 */
export class CustomImage extends pulumi.ComponentResource {
  /** The name for deploying machines: `rhel/rocky9`, `custom/golden`. */
  readonly distroSeries: pulumi.Output<string>;
  /** Its version: the day when this content was first published or uploaded. */
  readonly serial: pulumi.Output<string>;
  /** SHA-256 of the image's file. */
  readonly sha256: pulumi.Output<string>;
  /** For MAAS's boot sources; undefined for an image that is uploaded. */
  readonly source: pulumi.Output<ImageSource> | undefined;
  /** Armored public key of its stream. */
  readonly publicKey: pulumi.Output<string> | undefined;
  readonly imageName: string;

  constructor(name: string, args: CustomImageArgs, options?: pulumi.ComponentResourceOptions) {
    super("airgapped-maas:index:CustomImage", name, {}, options);
    this.imageName = name;
    const way = checkedArguments(this, `CustomImage ${name}`, { via: args.via }, waySchema);
    const made =
      way.plain("via") === "upload"
        ? this.#upload(name, args as UploadedImageArgs)
        : this.#publish(name, args as StreamedImageArgs);
    this.distroSeries = made.distroSeries;
    this.serial = made.serial;
    this.sha256 = made.sha256;
    this.source = made.source;
    this.publicKey = made.publicKey;
    this.registerOutputs({ ...made });
  }

  #publish(name: string, args: StreamedImageArgs) {
    const given = checkedArguments(this, `CustomImage ${name}`, args, streamSchema);
    const { host, architecture, deleteContent, keepSnapshots } = given.own;
    const nameOnHost = given.plain("nameOnHost") ?? name;
    const serve = derived(given.own.serve, (declared) => servedAt(declared, nameOnHost));
    const path = `customImages.${name}`;
    const site = new MirrorSite(this, name, { kind: "custom-images", path, args: given, serve });
    const { directory, store } = site;
    const plan = site.planned([], (all, place) =>
      planCustomImage({ host: all.host, ...place, image: imageOf(all), file: fileOf(all.file) }),
    );
    const packages = site.packages("nginx", "gnupg");
    const key = site.signingKey("image stream", packages);
    const configuration = site.configuration(packages);
    const tree = new CustomImageTree(
      `${name}-contents`,
      {
        host,
        directory,
        store,
        file: derived(given.own.file, placeOfFile),
        plan: plan.digest,
        updated: plan.updated,
        image: pulumi
          .all([given.settings, plan])
          .apply(([all, { serial, sha256 }]) => ({ ...imageOf(all as StreamSettings), serial, sha256 })),
        size: plan.size,
        signingKey: { directory: key.directory, fingerprint: key.fingerprint },
        keepSnapshots,
        deleteContent,
      },
      site.child(packages, configuration, key),
    );
    const services = site.services(packages, configuration);
    // MAAS may get the URL only after the stream is served, so this output waits for the tree and the service. It
    // waits for URNs, because a preview knows them.
    const source = pulumi
      .all([site.url(plan), key.publicKeyBinary, plan, architecture, tree.urn, services.urn])
      .apply(([url, keyring, { selections, serial, distroSeries }, architecture]) => ({
        url: `${url}/`,
        keyring,
        selections,
        images: { [`${distroSeries} ${architecture}/generic`]: serial },
      }));
    return {
      distroSeries: plan.distroSeries,
      serial: plan.serial,
      sha256: plan.sha256,
      source,
      publicKey: key.publicKey,
    };
  }

  #upload(name: string, { imagesFrom, maas, ...args }: UploadedImageArgs) {
    const faults = faultsOf(maasConnectionSchema, maas, ["maas"]);
    const { own } = checkedArguments(this, `CustomImage ${name}`, args, uploadSchema, faults);
    const region = plainly(maas);
    const imageName = derivedFrom([own.os, own.release], (os, release) => `${os}/${release}`);
    const fileType = derivedFrom(
      [own.fileType, own.file],
      (fileType, file) => fileType ?? fileTypeOf(fileOf(file).path) ?? "",
    );
    const facts = pulumi
      .all([own.file, fileType, region.host])
      .apply(([file, type, host]) =>
        lookedUp(this, `customImages.${name}`, factsOf(fileOf(file), type, host)),
      );
    const image = new MaasImage(
      `${name}-image`,
      {
        maas: seenRegion(this, `CustomImage ${name}`, region),
        name: imageName,
        architecture: derivedFrom(
          [own.architecture, own.kernel],
          (architecture, kernel) => `${architecture}/${kernel}`,
        ),
        title: own.title,
        baseImage: own.baseImage,
        fileType,
        file: derived(own.file, placeOfFile),
        size: facts.size,
        sha256: facts.sha256,
      },
      { parent: this, dependsOn: imagesFrom ? [imagesFrom as pulumi.Input<pulumi.Resource>] : [] },
    );
    return {
      distroSeries: outputOf(imageName).apply(distroSeriesOf),
      serial: image.version,
      sha256: facts.sha256,
      source: undefined,
      publicKey: undefined,
    };
  }
}

function imageOf({ os, release, title, version, architecture, supportEnd }: StreamSettings) {
  return {
    os,
    release,
    releaseTitle: title,
    version: version ?? /\d+([._]\d+)*/.exec(release)?.[0] ?? "1",
    architecture,
    ...(supportEnd ? { supportEnd } : {}),
  };
}

function fileOf(file: StreamSettings["file"]): ImageFile {
  return typeof file === "string" ? { path: file } : file;
}

function placeOfFile(file: StreamSettings["file"]) {
  const { path, host } = fileOf(file);
  return { path, onHost: host !== undefined };
}

async function factsOf(file: ImageFile, fileType: string, region: string) {
  if (file.host !== undefined && file.host !== region) {
    throw new pulumi.RunError(
      `file.host is ${file.host}, but the region is ${region}: copy the file to the region first, or use a file on this workstation`,
    );
  }
  const facts = await imageFileFacts(file);
  refuseOtherKind(file.path, fileType, facts);
  return { ...facts, changes: [], warnings: [] };
}
