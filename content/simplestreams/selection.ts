import { ExplainedError } from "../../errors/explained-error.ts";
import { nearestFirst } from "../names.ts";
import type { Product, ProductFile } from "./products.ts";

/** Images that a mirror is to hold. */
export interface ImageRequest {
  /** e.g. `ubuntu`, `centos` */
  readonly os: string;
  /** As MAAS names them: `noble`, `jammy`, `centos9-stream`. */
  readonly releases: readonly string[];
  /** e.g. `amd64`, `arm64`. Each release must have each of them. */
  readonly architectures: readonly string[];
  /**
   * Kernels to hold: `ga-24.04`, `hwe-24.04`, `ga-24.04-lowlatency`, or `ga` or `hwe` for all of that kind, in all
   * flavours. With fewer than all, MAAS must not select `*` but what `maasSelections` says: it would ask for the
   * others too.
   *
   * @default all: MAAS imports every kernel of a selected release
   */
  readonly kernels?: readonly string[] | undefined;
}

/** A product and which of its versions are to be held. */
export interface SelectedProduct {
  readonly product: Product;
  /** Oldest first, never empty. */
  readonly serials: readonly string[];
}

/**
 * Chooses products. Boot loaders and release notifications are always taken, of every architecture: MAAS downloads
 * all that a stream offers of them, whatever is selected (maasserver, models/bootsource.py, to_dict).
 *
 * @param keepVersions How many of the newest versions of each product to hold, at least 1. MAAS imports the newest only.
 * @throws ExplainedError for names and combinations that the stream does not have, with those that it has.
 */
export function selectProducts(
  lists: readonly ProductFile[],
  images: readonly ImageRequest[],
  keepVersions = 1,
): SelectedProduct[] {
  const offered = lists.flatMap(({ products }) => products);
  const chosen = new Set(offered.filter(({ kind }) => kind !== "image"));
  const all = offered.filter(({ kind }) => kind === "image");
  for (const [index, request] of images.entries()) {
    for (const product of productsOf(all, request, `images[${index}]`)) chosen.add(product);
  }
  return [...chosen]
    .filter((product) => {
      if (product.serials.length > 0) return true;
      // A product that upstream has emptied offers nothing, unless somebody asked for just that.
      if (product.kind !== "image") return false;
      throw refuse(
        `product ${product.name} has no version`,
        "Take its release, architecture or kernel out of images, or wait until upstream has one.",
        ["images"],
      );
    })
    .map((product) => ({ product, serials: product.serials.slice(-keepVersions) }));
}

function productsOf(all: readonly Product[], request: ImageRequest, value: string): Product[] {
  const { os, releases, architectures, kernels } = request;
  const ofOs = all.filter((product) => product.os === os);
  if (ofOs.length === 0) {
    throw unknown(`the stream has no operating system ${os}`, os, namesOf(all, "os"), `${value}.os`);
  }
  return releases.flatMap((release) => {
    const ofRelease = ofOs.filter((product) => product.release === release);
    if (ofRelease.length === 0) throw unknownRelease(ofOs, os, release, `${value}.releases`);
    const found = architectures.flatMap((architecture) => {
      const ofArchitecture = ofRelease.filter((product) => product.architecture === architecture);
      if (ofArchitecture.length > 0) return ofArchitecture;
      throw unknown(
        `the stream has no ${os} ${release} for ${architecture}`,
        architecture,
        namesOf(ofRelease, "architecture"),
        `${value}.architectures`,
      );
    });
    if (!kernels) return found;
    return architectures.flatMap((architecture) => {
      const ofArchitecture = found.filter((product) => product.architecture === architecture);
      const wanted = ofArchitecture.filter(({ kernel }) => kernels.some((name) => isKernel(kernel, name)));
      if (wanted.length > 0) return wanted;
      throw unknown(
        `the stream has no ${os} ${release} for ${architecture} with a kernel ${kernels.join(" or ")}`,
        kernels[0] ?? "",
        namesOf(ofArchitecture, "kernel"),
        `${value}.kernels`,
      );
    });
  });
}

/** `ga` and `hwe` mean every kernel of the kind; anything else is one kernel's whole name. */
function isKernel(kernel: string, name: string): boolean {
  return kernel === name || (/^(ga|hwe)$/.test(name) && kernel.startsWith(`${name}-`));
}

function unknownRelease(
  ofOs: readonly Product[],
  os: string,
  release: string,
  value: string,
): ExplainedError {
  const byVersion = ofOs.find(({ version }) => version === release);
  const found = `the stream has no ${os} release ${release}`;
  if (!byVersion) return unknown(found, release, namesOf(ofOs, "release"), value);
  return refuse(found, `Write ${byVersion.release}: that is what MAAS calls ${os} ${release}.`, [value]);
}

function unknown(found: string, written: string, names: readonly string[], value: string): ExplainedError {
  return refuse(found, `Choose among those it has: ${nearestFirst(written, names).join(", ")}.`, [value]);
}

function refuse(found: string, remedy: string, values: readonly string[]): ExplainedError {
  return new ExplainedError({ step: "selecting images", found, remedy, values });
}

function namesOf(
  products: readonly Product[],
  field: "os" | "release" | "architecture" | "kernel",
): string[] {
  return [...new Set(products.map((product) => product[field]))];
}
