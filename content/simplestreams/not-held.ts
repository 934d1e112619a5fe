import { someOf } from "../names.ts";
import type { Product, ProductFile } from "./products.ts";
import type { SelectedProduct } from "./selection.ts";

/** What the stream's files list, and MAAS therefore offers, but the mirror does not have. */
export interface NotHeld {
  /** Names of products, sorted. */
  readonly products: readonly string[];
  /** The same by image, sorted. */
  readonly images: readonly LackingImage[];
  /** One sentence; empty if the mirror has everything that is listed. */
  readonly summary: string;
}

/** An image that the mirror does not have, or not with these kernels. */
export interface LackingImage {
  readonly os: string;
  readonly release: string;
  readonly architecture: string;
  /** Sorted; undefined if the mirror has no kernel of the image. */
  readonly kernels?: readonly string[] | undefined;
}

/** `ubuntu focal arm64`, or `ubuntu noble amd64 (hwe-24.04)`. */
export function lackingImageText({ os, release, architecture, kernels }: LackingImage): string {
  return `${os} ${release} ${architecture}${kernels ? ` (${kernels.join(", ")})` : ""}`;
}

/** Product files are published as upstream signed them, so they also list what a mirror does not have. */
export function notHeld(lists: readonly ProductFile[], selected: readonly SelectedProduct[]): NotHeld {
  const held = new Set(selected.map(({ product }) => product));
  const offered = lists.flatMap(({ products }) => products).filter(({ serials }) => serials.length > 0);
  const lacking = offered.filter((product) => !held.has(product));
  const partly = new Set([...held].map(imageOf));
  const images = [...Map.groupBy(lacking, imageOf)]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, products]) => {
      const [{ os, release, architecture }] = products as [Product];
      const kernels = products.map(({ kernel }) => kernel).sort();
      return { os, release, architecture, ...(partly.has(name) ? { kernels } : {}) };
    });
  return {
    products: lacking.map(({ name }) => name).sort(),
    images,
    summary: images.length === 0 ? "" : summaryOf(lacking.length, images.map(lackingImageText)),
  };
}

function imageOf({ os, release, architecture }: Product): string {
  return `${os} ${release} ${architecture}`;
}

function summaryOf(products: number, images: readonly string[]): string {
  return `the stream's index also offers ${products} ${products === 1 ? "product" : "products"} that this mirror does not have: MAAS must not select ${someOf(images)}`;
}
