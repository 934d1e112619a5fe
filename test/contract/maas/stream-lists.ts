import { recordedImages } from "../../../lab/images/image-sets.ts";
import type { ProductList } from "../../../lab/images/stream.ts";

/**
 * The recorded images without the one that MAAS never deploys. Because of it, 3.8 rejects the whole stream.
 */
export const deployable: readonly ProductList[] = recordedImages.map(({ contentId, products }) => ({
  contentId,
  products: products.filter((product) => !product.name.includes(":golden:")),
}));

/** The same with one product in another version. */
export function withSerial(name: string, serial: string): ProductList[] {
  return deployable.map(({ contentId, products }) => ({
    contentId,
    products: products.map((product) =>
      product.name.includes(`:${name}:`) ? { ...product, serials: [serial] } : product,
    ),
  }));
}
