import { someOf } from "../names.ts";
import type { Product, ProductFile } from "./products.ts";
import type { SelectedProduct } from "./selection.ts";

/** What the stream's files list, and MAAS therefore offers, but the mirror does not have. */
export interface NotHeld {
  /** Names of products, sorted. */
  readonly products: readonly string[];
  /**
   * The same by image, e.g. `ubuntu focal arm64`, or `ubuntu noble amd64 (hwe-24.04)` if the mirror has other kernels.
   */
  readonly images: readonly string[];
  /** One sentence; empty if the mirror has everything that is listed. */
  readonly summary: string;
}

/** Product files are published as upstream signed them, so they also list what a mirror does not have. */
export function notHeld(lists: readonly ProductFile[], selected: readonly SelectedProduct[]): NotHeld {
  const held = new Set(selected.map(({ product }) => product));
  const offered = lists.flatMap(({ products }) => products).filter(({ serials }) => serials.length > 0);
  const lacking = offered.filter((product) => !held.has(product));
  const images = new Map<string, { kernels: string[]; partly: boolean }>();
  for (const product of lacking) {
    const image = images.get(imageOf(product)) ?? { kernels: [], partly: false };
    image.kernels.push(product.kernel);
    images.set(imageOf(product), image);
  }
  for (const product of held) {
    const image = images.get(imageOf(product));
    if (image) image.partly = true;
  }
  const named = [...images]
    .map(([name, { kernels, partly }]) => (partly ? `${name} (${kernels.sort().join(", ")})` : name))
    .sort();
  return {
    products: lacking.map(({ name }) => name).sort(),
    images: named,
    summary: named.length === 0 ? "" : summaryOf(lacking.length, named),
  };
}

function imageOf({ os, release, architecture }: Product): string {
  return `${os} ${release} ${architecture}`;
}

function summaryOf(products: number, images: readonly string[]): string {
  return `the stream's index also offers ${products} ${products === 1 ? "product" : "products"} that this mirror does not have: MAAS must not select ${someOf(images)}`;
}
