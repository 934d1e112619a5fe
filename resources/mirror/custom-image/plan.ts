import { z } from "zod";
import { packsDisk } from "../../../content/deployable.ts";
import { defaultCache } from "../../../content/metadata-cache.ts";
import type { CustomImageDescription } from "../../../content/simplestreams/custom-image.ts";
import { customImageStream } from "../../../content/simplestreams/custom-image-stream.ts";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { hostNamed } from "../../../hosts/connections.ts";
import type { Host } from "../../../hosts/host.ts";
import { fileTypeOf } from "../../../maas/upload-names.ts";
import { digestOf } from "../../../values/digest.ts";
import type { MaasSelection } from "../../../values/maas-selection.ts";
import { type ImageFile, imageFileFacts } from "../../host/file-facts.ts";
import { requireDiskSpace } from "../published-tree/disk-space.ts";
import type { Publication } from "../published-tree/publication.ts";
import { summariesOf } from "../published-tree/published.ts";
import { workListText } from "../published-tree/work-list.ts";
import { checkedKeptImage, type KeptCustomImage } from "./kept-snapshot.ts";

export interface CustomImagePlanRequest {
  /** The host that publishes it. */
  readonly host: string;
  /** Directory of its stream there. */
  readonly directory: string;
  /** The store of that host. */
  readonly store: string;
  readonly image: Pick<
    CustomImageDescription,
    "os" | "release" | "releaseTitle" | "version" | "architecture" | "supportEnd"
  >;
  /** On this workstation, or on the publishing host. */
  readonly file: ImageFile;
}

/** The planned content of a custom image's stream. */
export interface CustomImagePlan {
  /** Digest of the publication, which is stored in this workstation's metadata cache. */
  readonly digest: string;
  readonly serial: string;
  /** Date of the first publication of this version, ISO 8601. */
  readonly updated: string;
  /** Bytes of the image's file. */
  readonly size: number;
  /** SHA-256 of the image's file. */
  readonly sha256: string;
  /** `rhel/rocky9`: the distro series to deploy. */
  readonly distroSeries: string;
  readonly selections: readonly MaasSelection[];
  /** One line if something will be published. */
  readonly changes: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Plans the stream of a custom image. Its serial is the day of the first publication of this content, so it is
 * constant as long as the file is the same, and sorts after that of the previous content.
 *
 * @throws ExplainedError for an image that MAAS would never deploy.
 */
export async function planCustomImage(
  { file, image, host, directory, store }: CustomImagePlanRequest,
  publisher: Host = hostNamed(host),
): Promise<CustomImagePlan> {
  if (file.host !== undefined && file.host !== host) {
    throw refuse(
      `it is on ${file.host}, but ${host} publishes it`,
      `Copy it to ${host} first, or declare a file of this workstation.`,
    );
  }
  const [facts, published] = await Promise.all([
    imageFileFacts(file, publisher),
    summariesOf(publisher, directory, z.unknown()).then(({ published: summary }) =>
      summary === undefined ? undefined : checkedKeptImage(publisher, directory, summary),
    ),
  ]);
  if (facts.packing !== "gzip") {
    throw refuse(
      `${file.path} is not a gzip archive`,
      "Compress the root file system as .tar.gz, as packer-maas does: a stream supports no other format. Upload other kinds of images (via: upload).",
    );
  }
  const today = new Date(new Date().toISOString().slice(0, 10));
  const version = versionOf(image, facts, published, today);
  const manifest = `${facts.sha256}  ${facts.size}  ${image.releaseTitle} ${image.version} ${image.architecture} ${version.serial}\n`;
  const stream = customImageStream(
    {
      ...image,
      serial: version.serial,
      // A tar archive may also contain a disk image; its name then says so.
      file: {
        ftype:
          facts.tar && fileTypeOf(file.path) !== "ddtgz" && !packsDisk(facts) ? "root-tgz" : "root-dd.gz",
        size: facts.size,
        sha256: facts.sha256,
      },
      manifest: { size: Buffer.byteLength(manifest), sha256: digestOf(manifest) },
    },
    version.updated,
  );
  const texts = Object.values(stream.texts);
  const items = [
    ...stream.files.map(({ path, size, sha256 }) => ({ sha256, size, from: undefined, to: `tree/${path}` })),
    ...texts.map(({ path, text }) => ({
      sha256: digestOf(text),
      size: Buffer.byteLength(text),
      from: undefined,
      to: `unsigned/${path}`,
    })),
  ];
  const workList = workListText(items);
  const cache = defaultCache();
  const publication: Publication = {
    planText: await cache.put(workList),
    workList: await cache.put(workList),
    contents: await cache.put(JSON.stringify({ distroSeries: stream.distroSeries })),
    seeds: await Promise.all([manifest, ...texts.map(({ text }) => text)].map((text) => cache.put(text))),
  };
  const digest = await cache.put(JSON.stringify(publication));
  const before = published?.image.serial;
  if (before !== version.serial || published?.updated !== version.updated.toISOString()) {
    await requireDiskSpace(publisher, { directory, store, workList, programs: ["nginx", "gpg"] });
  }
  await cache.prune();
  return {
    digest,
    serial: version.serial,
    updated: version.updated.toISOString(),
    size: facts.size,
    sha256: facts.sha256,
    distroSeries: stream.distroSeries,
    selections: [stream.selection],
    changes:
      before === version.serial
        ? []
        : [
            `${stream.distroSeries} ${image.architecture} ${before ? `${before} -> ` : ""}${version.serial}, ${(facts.size / 1048576).toFixed(1)} MiB`,
          ],
    warnings: [],
  };
}

/** The published version if it is the same, otherwise a new one. MAAS uses the serial that sorts last. */
function versionOf(
  image: CustomImagePlanRequest["image"],
  { sha256 }: { readonly sha256: string },
  published: KeptCustomImage | undefined,
  today: Date,
): { readonly serial: string; readonly updated: Date } {
  const day = today.toISOString().slice(0, 10).replaceAll("-", "");
  if (!published) return { serial: day, updated: today };
  const { serial, sha256: before, ...described } = published.image;
  const last = new Date(published.updated);
  const same = before === sha256;
  if (same && JSON.stringify(sorted(described)) === JSON.stringify(sorted(image))) {
    return { serial, updated: last };
  }
  // Readers of the stream treat texts with the same date as equal.
  const updated = last < today ? today : new Date(last.getTime() + 1000);
  if (same) return { serial, updated };
  const [lastDay = "", count = "0"] = serial.split(".");
  return { serial: lastDay < day ? day : `${lastDay}.${Number(count) + 1}`, updated };
}

function sorted(record: object): [string, unknown][] {
  return Object.entries(record)
    .filter(([, value]) => value !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
}

function refuse(found: string, remedy: string): ExplainedError {
  return new ExplainedError({ step: "creating a stream of an image", found, remedy, values: ["file"] });
}
