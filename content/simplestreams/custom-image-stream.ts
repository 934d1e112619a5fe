import type { MaasSelection } from "../../values/maas-selection.ts";
import { signedDate } from "../dates.ts";
import { isSanePath } from "../paths.ts";
import type { CustomImageDescription } from "./custom-image.ts";
import { customImageRefusal } from "./custom-image-rules.ts";

/** The stream of a custom image: texts to clearsign, and where its files go. */
interface CustomImageStream {
  readonly contentId: string;
  readonly product: string;
  /** To be clearsigned as they are, into files of these paths below the stream's root. */
  readonly texts: Readonly<Record<"index" | "products", { readonly path: string; readonly text: string }>>;
  /** Files below the stream's root. */
  readonly files: readonly {
    readonly path: string;
    readonly size: number;
    readonly sha256: string;
  }[];
  /** What a machine is deployed with: `rhel/rocky9`. */
  readonly distroSeries: string;
  /** As MAAS takes a selection of it. */
  readonly selection: MaasSelection;
}

/**
 * Builds the stream of one image: its own index, so that no official index is touched, with every field that MAAS 3.4
 * to 3.8 wants. 3.8 reads a product file only when all of it has one shape (maasservicelayer,
 * simplestreams/models.py): `root-tgz` and `manifest` both, and `support_eol` there even when it says nothing.
 *
 * @param updated When the stream was made; whole seconds. The same for the same content, or every update changes it.
 * @throws ExplainedError for what MAAS would import and then never deploy, or not import at all
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
    if (!isSanePath(place)) throw new RangeError(`${JSON.stringify(place)} is no path of a stream`);
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

/** In the one form that MAAS reads: `Mon, 23 Nov 2026 06:06:27 +0000`. */
function streamDate(date: Date): string {
  const text = date.toUTCString().replace("GMT", "+0000");
  if (!signedDate(text)) throw new RangeError(`${String(date)} is no date that a stream can have`);
  return text;
}

function textOf(document: object): string {
  return `${JSON.stringify(document, undefined, 1)}\n`;
}
