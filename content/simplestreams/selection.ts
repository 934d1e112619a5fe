import { ExplainedError } from "../../errors/explained-error.ts";
import { nearestFirst, someOf } from "../names.ts";
import { isLoaderOfMaas } from "./bootloaders.ts";
import type { Fault, Item, Product, ProductFile } from "./products.ts";

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
  /** The files of these versions. */
  readonly files: readonly (Item & { readonly serial: string })[];
}

interface Selection {
  readonly selected: readonly SelectedProduct[];
  /** What is odd about products that nobody asked for, and is left out for it. */
  readonly leftOut: readonly Fault[];
}

/**
 * Chooses products. Boot loaders and release notifications are always taken, of every architecture: MAAS downloads
 * all that a stream offers of them, whatever is selected (maasserver, models/bootsource.py, to_dict). Only those that no
 * MAAS knows, and notifications, may be odd: then they are left out.
 *
 * @param keepVersions How many of the newest versions of each product to hold, at least 1. MAAS imports the newest only.
 * @throws ExplainedError for names and combinations that the stream does not have, with those that it has, and for an
 *   odd product that was chosen
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

/** What is to be held of a product, or why it is left out. */
function heldOf(product: Product, needed: boolean, keepVersions: number): SelectedProduct | Fault {
  if (product.fault) {
    if (needed) throw product.fault.refusal();
    return product.fault;
  }
  if (product.serials.length === 0 && product.kind === "image") {
    // A product that upstream has emptied offers nothing, unless somebody asked for just that.
    throw refuse(
      `product ${product.name} has no version`,
      "Take its release, architecture or kernel out of images, or wait until upstream has one.",
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
    notThere(found, written, names, of, odd);
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
  odd: readonly Fault[],
): ExplainedError {
  const byVersion = ofOs.find(({ version }) => version === release);
  const found = `the stream has no ${os} release ${release}`;
  if (!byVersion) return notThere(found, release, namesOf(ofOs, "release"), value, odd);
  return refuse(found, `Write ${byVersion.release}: that is what MAAS calls ${os} ${release}.`, [value]);
}

function notThere(
  found: string,
  written: string,
  names: readonly string[],
  value: string,
  odd: readonly Fault[],
): ExplainedError {
  const cannot =
    odd.length > 0
      ? ` (of what it has, this cannot be told apart: ${someOf(
          odd.map((fault) => fault.found),
          3,
        )})`
      : "";
  const near = someOf(nearestFirst(written, names), 12);
  return refuse(
    found + cannot,
    near ? `Choose among those it has: ${near}.` : "Check that the URL is a stream of MAAS images.",
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
