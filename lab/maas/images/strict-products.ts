import { FetchError } from "./fetch.ts";
import type { ProductList } from "./stream.ts";

/*
 * Since 3.8 a list must have products of one kind, each with all required fields. Otherwise the whole source is rejected
 * (maasservicelayer/simplestreams/models.py).
 */

const common = ["arch", "label", "os"];
const released = [...common, "release", "release_title", "subarch", "subarches", "version"];

interface Kind {
  readonly fields: readonly string[];
  /** Of the items of each version, by ftype. */
  readonly items: (ftypes: readonly string[]) => boolean;
}

const kinds: readonly Kind[] = [
  {
    fields: [...common, "arches", "bootloader-type"],
    items: (ftypes) => ftypes.every((ftype) => ftype === "archive.tar.xz"),
  },
  {
    fields: [...released, "krel", "release_codename", "support_eol"],
    items: (ftypes) =>
      ["boot-initrd", "boot-kernel", "manifest"].every((ftype) => ftypes.includes(ftype)) &&
      ["squashfs", "root-image.gz"].some((ftype) => ftypes.includes(ftype)),
  },
  {
    fields: released,
    items: (ftypes) => [...ftypes].sort().join() === "manifest,root-tgz",
  },
];

/** Throws for a list that 3.8 rejects. */
export function requireStrict({ document }: ProductList): void {
  const products = Object.values((document as { products?: Record<string, Fields> }).products ?? {});
  if (!kinds.some((kind) => products.every((product) => isOf(kind, product)))) {
    throw new FetchError("Got invalid data for the products file");
  }
}

type Fields = Record<string, unknown> & {
  readonly versions?: Record<string, { readonly items?: Record<string, { readonly ftype?: string }> }>;
};

function isOf(kind: Kind, product: Fields): boolean {
  const versions = Object.values(product.versions ?? {});
  return (
    kind.fields.every((field) => typeof product[field] === "string") &&
    versions.every(({ items = {} }) => kind.items(Object.values(items).map(({ ftype }) => ftype ?? "")))
  );
}
