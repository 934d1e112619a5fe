import { ExplainedError } from "../../errors/explained-error.ts";
import { nearestFirst, someOf } from "../names.ts";
import { isLoaderOfMaas } from "./bootloaders.ts";
import type { Fault, Item, Product, ProductFile } from "./products.ts";

/** The images to mirror. */
export interface ImageRequest {
  /** e.g. `ubuntu`, `centos` */
  readonly os: string;
  /** MAAS's names: `noble`, `jammy`, `centos9-stream`. */
  readonly releases: readonly string[];
  /** e.g. `amd64`, `arm64`. Each release must exist for all of them. */
  readonly architectures: readonly string[];
  /**
   * Kernels to mirror: `ga-24.04`, `hwe-24.04`, `ga-24.04-lowlatency`, or `ga` or `hwe` for all of that kind, in all
   * flavours. With fewer than all, MAAS must not select `*` but the result of `maasSelections`: otherwise it would
   * request the others too.
   *
   * @default all: MAAS imports every kernel of a selected release
   */
  readonly kernels?: readonly string[] | undefined;
}

/** A product, and the versions of it to mirror. */
export interface SelectedProduct {
  readonly product: Product;
  /** Oldest first, never empty. */
  readonly serials: readonly string[];
  /** The files of these versions. */
  readonly files: readonly (Item & { readonly serial: string })[];
}

interface Selection {
  readonly selected: readonly SelectedProduct[];
  /** Faults of products that were not requested and are therefore left out. */
  readonly leftOut: readonly Fault[];
}

/**
 * Selects products. Boot loaders and release notifications of every architecture are always included: MAAS downloads
 * all that a stream lists, independent of selections (maasserver, models/bootsource.py, to_dict). Only notifications,
 * and boot loaders that MAAS does not use, may have faults: they are then left out.
 *
 * @param keepVersions Number of newest versions of each product, at least 1. MAAS imports only the newest.
 * @throws ExplainedError for names and combinations that the stream does not have, with the available ones, and for a
 * selected product with a fault.
 */
export function selectProducts(
  lists: readonly ProductFile[],
  images: readonly ImageRequest[],
  keepVersions = 1,
): Selection {
  const offered = lists.flatMap(({ products }) => products);
  const odd = lists.flatMap((list) => list.odd.map(({ fault }) => fault));
  const all = offered.filter(({ kind }) => kind === "image");
  const chosen = new Set<Product>();
  for (const [index, request] of images.entries()) {
    for (const product of productsOf(all, request, `images[${index}]`, odd)) chosen.add(product);
  }
  const leftOut = new Set(odd);
  const selected: SelectedProduct[] = [];
  for (const product of offered) {
    const wanted = chosen.has(product);
    if (product.kind === "image" && !wanted) {
      if (product.fault) leftOut.add(product.fault);
      continue;
    }
    const held = heldOf(
      product,
      wanted || (product.kind === "bootloader" && isLoaderOfMaas(product)),
      keepVersions,
    );
    if ("refusal" in held) leftOut.add(held);
    else if (held.serials.length > 0) selected.push(held);
  }
  return { selected, leftOut: [...leftOut] };
}

/** The selected part of a product, or why it is left out. */
function heldOf(product: Product, needed: boolean, keepVersions: number): SelectedProduct | Fault {
  if (product.fault) {
    if (needed) throw product.fault.refusal();
    return product.fault;
  }
  if (product.serials.length === 0 && product.kind === "image") {
    // A product without versions is ignored, unless it was requested explicitly.
    throw refuse(
      `product ${product.name} has no version`,
      "Remove its release, architecture or kernel from images, or wait until upstream has a version.",
      ["images"],
    );
  }
  const serials = product.serials.slice(-keepVersions);
  try {
    const files = serials.flatMap((serial) => product.items(serial).map((item) => ({ ...item, serial })));
    return { product, serials, files };
  } catch (error) {
    if (needed || !(error instanceof ExplainedError)) throw error;
    return { found: error.explanation.found, stopsMaas: false, refusal: () => error };
  }
}

function productsOf(
  all: readonly Product[],
  request: ImageRequest,
  value: string,
  odd: readonly Fault[],
): Product[] {
  const { os, releases, architectures, kernels } = request;
  const unknown = (found: string, written: string, names: readonly string[], of: string) =>
    unknownName(found, written, names, of, odd);
  const ofOs = all.filter((product) => product.os === os);
  if (ofOs.length === 0) {
    throw unknown(`the stream has no operating system ${os}`, os, namesOf(all, "os"), `${value}.os`);
  }
  return releases.flatMap((release) => {
    const ofRelease = ofOs.filter((product) => product.release === release);
    if (ofRelease.length === 0) throw unknownRelease(ofOs, os, release, `${value}.releases`, odd);
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
        `the stream has no ${os} ${release} for ${architecture} with kernel ${kernels.join(" or ")}`,
        kernels[0] ?? "",
        namesOf(ofArchitecture, "kernel"),
        `${value}.kernels`,
      );
    });
  });
}

/** `ga` and `hwe` mean every kernel of the kind; other names are full names of kernels. */
function isKernel(kernel: string, name: string): boolean {
  return kernel === name || (/^(ga|hwe)$/.test(name) && kernel.startsWith(`${name}-`));
}

function unknownRelease(
  ofOs: readonly Product[],
  os: string,
  release: string,
  value: string,
  odd: readonly Fault[],
): ExplainedError {
  const byVersion = ofOs.find(({ version }) => version === release);
  const found = `the stream has no ${os} release ${release}`;
  if (!byVersion) return unknownName(found, release, namesOf(ofOs, "release"), value, odd);
  return refuse(found, `Use ${byVersion.release}, which is MAAS's name of ${os} ${release}.`, [value]);
}

function unknownName(
  found: string,
  written: string,
  names: readonly string[],
  value: string,
  odd: readonly Fault[],
): ExplainedError {
  const invalidProducts =
    odd.length > 0
      ? ` (it has invalid products that may be meant: ${someOf(
          odd.map((fault) => fault.found),
          3,
        )})`
      : "";
  const similarNames = someOf(nearestFirst(written, names), 12);
  return refuse(
    found + invalidProducts,
    similarNames ? `Choose from: ${similarNames}.` : "Check that the URL is a stream of MAAS images.",
    [value],
  );
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
