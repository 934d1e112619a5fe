import type { MaasSelection } from "../../values/maas-selection.ts";
import { signedDate } from "../dates.ts";
import { isSanePath } from "../paths.ts";
import type { CustomImageDescription } from "./custom-image.ts";
import { customImageRefusal } from "./custom-image-rules.ts";

/** The stream of a custom image: texts to clearsign, and the paths of its files. */
interface CustomImageStream {
  readonly contentId: string;
  readonly product: string;
  /** Texts to clearsign unchanged, and their paths below the stream's root. */
  readonly texts: Readonly<Record<"index" | "products", { readonly path: string; readonly text: string }>>;
  /** Files below the stream's root. */
  readonly files: readonly {
    readonly path: string;
    readonly size: number;
    readonly sha256: string;
  }[];
  /** The distro series to deploy: `rhel/rocky9`. */
  readonly distroSeries: string;
  /** The selection for MAAS. */
  readonly selection: MaasSelection;
}

/**
 * Builds the stream of one image. It has a separate index, so official indices are not changed, and it has every
 * field that MAAS 3.4 to 3.8 requires. 3.8 reads a product file only if all of it has one shape (maasservicelayer,
 * simplestreams/models.py): both `root-tgz` and `manifest`, and `support_eol` even if it is empty.
 *
 * @param updated The date of the stream; whole seconds. It must be the same for the same content, or every update
 * would change it.
 * @throws ExplainedError for an image that MAAS would import and never deploy, or not import.
 */
export function customImageStream(image: CustomImageDescription, updated: Date): CustomImageStream {
  const refusal = customImageRefusal(image);
  if (refusal) throw refusal;
  const {
    os,
    release,
    releaseTitle,
    version,
    architecture,
    serial,
    label = "stable",
    file,
    manifest,
  } = image;
  const domain = "local.airgapped-maas";
  const contentId = `${domain}:${label}:${os}-${release}-download`;
  const product = `${domain}.${label}:${os}-bases:${release}:${architecture}`;
  const folder = `${os}/${release}/${architecture}/${serial}`;
  const root = { path: `${folder}/root-tgz`, size: file.size, sha256: file.sha256 };
  const list = { path: `${folder}/root-tgz.manifest`, size: manifest.size, sha256: manifest.sha256 };
  const made = streamDate(updated);
  const path = `streams/v1/${contentId}.sjson`;
  for (const place of [path, root.path, list.path]) {
    if (!isSanePath(place)) throw new RangeError(`${JSON.stringify(place)} is not a valid path of a stream`);
  }
  const head = { datatype: "image-downloads", format: "products:1.0", updated: made };
  const index = {
    format: "index:1.0",
    index: { [contentId]: { ...head, path, products: [product] } },
    updated: made,
  };
  const products = {
    content_id: contentId,
    ...head,
    products: {
      [product]: {
        arch: architecture,
        label,
        os,
        release,
        release_title: releaseTitle,
        subarch: "generic",
        subarches: "generic",
        support_eol: image.supportEnd ?? null,
        version,
        versions: {
          [serial]: {
            items: { manifest: { ftype: "manifest", ...list }, "root-tgz": { ftype: "root-tgz", ...root } },
          },
        },
      },
    },
  };
  return {
    contentId,
    product,
    texts: {
      index: { path: "streams/v1/index.sjson", text: textOf(index) },
      products: { path, text: textOf(products) },
    },
    files: [root, list],
    distroSeries: `${os}/${release}`,
    selection: { os, release, arches: [architecture], subarches: ["*"], labels: ["*"] },
  };
}

/** In the only format that MAAS reads: `Mon, 23 Nov 2026 06:06:27 +0000`. */
function streamDate(date: Date): string {
  const text = date.toUTCString().replace("GMT", "+0000");
  if (!signedDate(text)) throw new RangeError(`${String(date)} is not a valid date of a stream`);
  return text;
}

function textOf(document: object): string {
  return `${JSON.stringify(document, undefined, 1)}\n`;
}
