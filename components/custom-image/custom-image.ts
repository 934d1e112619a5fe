import * as pulumi from "@pulumi/pulumi";
import { refuseOtherKind } from "../../content/deployable.ts";
import { distroSeriesOf, fileTypeOf } from "../../maas/upload-names.ts";
import { type ImageFile, imageFileFacts } from "../../resources/host/file-facts.ts";
import { Files } from "../../resources/host/files.ts";
import { Packages } from "../../resources/host/packages.ts";
import { Services } from "../../resources/host/services.ts";
import { formerKeyDirectory, keyDirectory, SigningKey } from "../../resources/host/signing-key.ts";
import { nameOnHosts } from "../../resources/kernel/name-on-hosts.ts";
import { MaasImage } from "../../resources/maas/image.ts";
import { type CustomImagePlan, planCustomImage } from "../../resources/mirror/custom-image/plan.ts";
import { CustomImageTree } from "../../resources/mirror/custom-image/tree.ts";
import { seenRegion } from "../region/region-check.ts";
import {
  checkedArguments,
  checkedTls,
  digestsOf,
  installed,
  lookedUp,
  placeOf,
  urlOf,
} from "../serving/mirror-site.ts";
import { webSite } from "../serving/web-site.ts";
import {
  type CustomImageArgs,
  type StreamedImageArgs,
  type StreamSettings,
  servedAt,
  streamSchema,
  type UploadedImageArgs,
  type UploadSettings,
  uploadSchema,
} from "./args.ts";

/** What MAAS needs to take an image from its stream. */
interface ImageSource {
  /** With a slash at its end. */
  readonly url: string;
  /** Binary, in base64. */
  readonly keyring: string;
  readonly selections: CustomImagePlan["selections"];
  /** The version that is to be complete, by MAAS's name of the image. */
  readonly images: Readonly<Record<string, string>>;
}

/**
 * A custom image that MAAS deploys: a Rocky Linux, an Oracle Linux, a golden Ubuntu.
 *
 * By default it is published by a host in a signed stream of its own, and MAAS imports it: give it to a MaasBootSource.
 * With `via: "upload"` it is sent to MAAS through its API, which takes every kind of image.
 *
 * @example
 * const rocky9 = new CustomImage("rocky9", {
 *   host: "mirror", os: "rhel", release: "rocky9", title: "Rocky Linux 9", file: "./rocky9.tar.gz",
 * });
 * new MaasBootSource("images", { maas: { host: "maas" }, mirror: images, customImages: [rocky9] });
 */
export class CustomImage extends pulumi.ComponentResource {
  /** What machines are deployed with: `rhel/rocky9`, `custom/golden`. */
  readonly distroSeries: pulumi.Output<string>;
  /** Its version: the day on which this content was published or uploaded first. */
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
    const made = args.via === "upload" ? this.#upload(name, args) : this.#publish(name, args);
    this.distroSeries = made.distroSeries;
    this.serial = made.serial;
    this.sha256 = made.sha256;
    this.source = made.source;
    this.publicKey = made.publicKey;
    this.registerOutputs({ ...made });
  }

  #publish(name: string, args: StreamedImageArgs) {
    const settings: StreamSettings = checkedArguments("CustomImage", name, args, streamSchema);
    const { host, os, release, title, architecture, supportEnd } = settings;
    const called = settings.nameOnHost ?? name;
    const serve = servedAt(settings, name);
    const tlsKey = checkedTls(this, `customImages.${name}`, args.serve?.tls?.key, host, serve);
    const place = placeOf("custom-images", called, settings.directory);
    const site = webSite(serve, `${place.directory}/current/public`, nameOnHosts(called));
    const image = {
      os,
      release,
      releaseTitle: title,
      version: settings.version ?? /\d+([._]\d+)*/.exec(release)?.[0] ?? "1",
      architecture,
      ...(supportEnd ? { supportEnd } : {}),
    };
    const file = fileOf(settings.file);
    const plan = pulumi.output(
      lookedUp(this, `customImages.${name}`, planCustomImage({ host, ...place, image, file })),
    );
    const child = (dependsOn: pulumi.Resource[] = []): pulumi.CustomResourceOptions => ({
      parent: this,
      dependsOn,
    });
    const packages = new Packages(
      `${name}-packages`,
      { host, packages: installed("nginx", "gnupg") },
      child(),
    );
    const key = new SigningKey(
      `${name}-key`,
      {
        host,
        directory: keyDirectory(called),
        formerDirectory: formerKeyDirectory(called),
        userId: `${called} image stream of ${pulumi.getStack()} (airgapped-maas)`,
        keepOnRemove: !settings.deleteContent,
      },
      child([packages]),
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
    const tree = new CustomImageTree(
      `${name}-contents`,
      {
        host,
        ...place,
        file: { path: file.path, onHost: file.host !== undefined },
        plan: plan.digest,
        updated: plan.updated,
        image: plan.apply(({ serial, sha256 }) => ({ ...image, serial, sha256 })),
        size: plan.size,
        signingKey: { directory: key.directory, fingerprint: key.fingerprint },
        keepSnapshots: settings.keepSnapshots,
        deleteContent: settings.deleteContent,
      },
      child([packages, configuration, key]),
    );
    const services = new Services(
      `${name}-services`,
      { host, services: { "nginx.service": { enabled: true, running: true, reloadOn: digestsOf(site) } } },
      child([packages, configuration]),
    );
    // A URN is known to a preview, unlike an output, and comes when the stream is served: MAAS is pointed at it after that.
    const source = pulumi
      .all([plan.apply(() => urlOf(host, serve)), key.publicKeyBinary, plan, tree.urn, services.urn])
      .apply(([url, keyring, { selections, serial, distroSeries }]) => ({
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
    const settings: UploadSettings = checkedArguments("CustomImage", name, args as object, uploadSchema);
    const { os, release, title, architecture, kernel, baseImage } = settings;
    const file = fileOf(settings.file);
    const fileType = settings.fileType ?? fileTypeOf(file.path) ?? "";
    const imageName = `${os}/${release}`;
    const facts = pulumi
      .output(maas.host)
      .apply((region) => lookedUp(this, `customImages.${name}`, factsOf(file, fileType, region)));
    const image = new MaasImage(
      `${name}-image`,
      {
        maas: seenRegion(this, `CustomImage ${name}`, maas),
        name: imageName,
        architecture: `${architecture}/${kernel}`,
        title,
        ...(baseImage ? { baseImage } : {}),
        fileType,
        file: { path: file.path, onHost: file.host !== undefined },
        size: facts.size,
        sha256: facts.sha256,
      },
      { parent: this, dependsOn: imagesFrom ? [imagesFrom] : [] },
    );
    return {
      distroSeries: pulumi.output(distroSeriesOf(imageName)),
      serial: image.version,
      sha256: facts.sha256,
      source: undefined,
      publicKey: undefined,
    };
  }
}

function fileOf(file: StreamSettings["file"]): ImageFile {
  return typeof file === "string" ? { path: file } : file;
}

async function factsOf(file: ImageFile, fileType: string, region: string) {
  if (file.host !== undefined && file.host !== region) {
    throw new pulumi.RunError(
      `file.host is ${file.host}, and ${region} is the region: copy the file there first, or name one of this workstation`,
    );
  }
  const facts = await imageFileFacts(file);
  refuseOtherKind(file.path, fileType, facts);
  return { ...facts, changes: [], warnings: [] };
}
