import { ExplainedError } from "../../errors/explained-error.ts";
import type { ImageProduct } from "./stream.ts";

/** Selects the products that have each of these values. Without any value, it selects all products. */
export interface ImageChoice {
  /** E.g. `ubuntu`, `centos`, `grub-efi-signed`. */
  readonly os?: string | undefined;
  /** E.g. `noble`. Boot loaders do not have a release. */
  readonly release?: string | undefined;
  /** E.g. `amd64`. */
  readonly arch?: string | undefined;
}

/** Whether a product is selected. */
export function isChosen({ fields }: ImageProduct, { os, release, arch }: ImageChoice): boolean {
  const wanted = Object.entries({ os, release, arch });
  return wanted.every(([field, value]) => value === undefined || fields[field] === value);
}

/** The selected products. Throws if none is selected. */
export function chosenProducts(products: readonly ImageProduct[], choice: ImageChoice): ImageProduct[] {
  const found = products.filter((product) => isChosen(product, choice));
  if (found.length > 0) return found;
  const { os = "any", release = "any", arch = "any" } = choice;
  const named = new Set(
    products.map(({ fields }) => [fields.os, fields.release ?? "none", fields.arch].join(" ")),
  );
  throw new ExplainedError({
    step: "choosing images of the lab",
    found: `no image has os ${os}, release ${release} and arch ${arch}`,
    remedy: `Images of the lab (os, release, arch): ${[...named].sort().join(", ")}.`,
  });
}
