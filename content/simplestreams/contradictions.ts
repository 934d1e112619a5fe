import { ExplainedError } from "../../errors/explained-error.ts";
import { directoriesOf } from "../paths.ts";
import type { PlanRow } from "./plan-text.ts";
import type { Product, ProductFile } from "./products.ts";
import type { SelectedProduct } from "./selection.ts";

/**
 * Refuses a plan with contradictions: one path with two contents, one content with two sizes (a download that checks
 * both would always fail), a file at the path of a directory, an image's file at the path of one of the stream's own.
 *
 * @param rows The rows without a product are the stream's own files.
 */
export function refuseContradictions(rows: readonly PlanRow[]): void {
  const files = new Map<string, PlanRow>();
  const contents = new Map<string, PlanRow>();
  const own = new Set(rows.flatMap(({ path, product }) => (product ? [] : formsOf(path))));
  for (const row of rows) {
    const { path, product, sha256, size } = row;
    const other = files.get(path);
    if (other && (other.sha256 !== sha256 || other.size !== size)) {
      throw contradiction(
        `${path} has two contents: ${other.sha256} (${other.size} bytes, of ${nameOf(other)}) and ${sha256} (${size} bytes, of ${nameOf(row)})`,
      );
    }
    if (product && own.has(path)) {
      throw contradiction(`${path} of ${nameOf(row)} is the path of one of the stream's own files`);
    }
    const same = contents.get(sha256);
    if (same && same.size !== size) {
      throw contradiction(
        `the content ${sha256} has two sizes: ${same.size} bytes as ${same.path} (of ${nameOf(same)}) and ${size} bytes as ${path} (of ${nameOf(row)})`,
      );
    }
    files.set(path, row);
    contents.set(sha256, row);
  }
  for (const [path, row] of files) {
    for (const directory of directoriesOf(path)) {
      const file = files.get(directory);
      if (!file) continue;
      throw contradiction(
        `${file.path} (of ${nameOf(file)}) is a file and also the directory of ${path} (of ${nameOf(row)})`,
      );
    }
  }
}

/** The paths under which clients look for a stream's file: itself, unsigned, and with a detached signature. */
function formsOf(path: string): string[] {
  const plain = path.replace(/[.]sjson$/, ".json");
  return [path, plain, `${plain}.gpg`];
}

/**
 * Refuses a selected product that is in two lists with different content: which of them MAAS would use is not known.
 */
export function refuseDuplicateProducts(
  lists: readonly ProductFile[],
  selected: readonly SelectedProduct[],
): void {
  const wanted = new Map(selected.map((one) => [one.product.name, one]));
  for (const { products, odd } of lists) {
    for (const product of products) {
      const one = wanted.get(product.name);
      if (one && one.product !== product && !isSame(one, product)) throw duplicateError(one.product, product);
    }
    for (const product of odd) {
      const one = wanted.get(product.name)?.product;
      if (one) throw duplicateError(one, product);
    }
  }
}

function isSame({ product: one, serials }: SelectedProduct, other: Product): boolean {
  const valuesOf = (product: Product) => {
    const { kind, os, release, architecture, version, subarch, kernel } = product;
    const files = serials.map((serial) =>
      product
        .items(serial)
        .map((item) => JSON.stringify(item))
        .sort(),
    );
    return JSON.stringify([
      [kind, os, release, architecture, version, subarch, kernel],
      product.serials,
      files,
    ]);
  };
  try {
    return other.fault === undefined && valuesOf(one) === valuesOf(other);
  } catch (error) {
    // A file of the other product is invalid, and none of the selected one's.
    if (error instanceof ExplainedError) return false;
    throw error;
  }
}

function duplicateError(one: Product, other: Pick<Product, "name" | "list">): ExplainedError {
  return contradiction(`${one.list} and ${other.list} both have product ${one.name}, with different content`);
}

function nameOf({ product }: PlanRow): string {
  return product ? `${product.name} ${product.serial}` : "the stream itself";
}

function contradiction(found: string): ExplainedError {
  return new ExplainedError({
    step: "planning a mirror of images",
    found,
    remedy: "Upstream contradicts itself: wait until it is corrected, or use another mirror of it.",
  });
}
