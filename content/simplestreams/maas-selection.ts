import { ExplainedError } from "../../errors/explained-error.ts";
import type { MaasSelection } from "../../values/maas-selection.ts";
import { someOf } from "../names.ts";
import type { Product, ProductFile } from "./products.ts";
import type { SelectedProduct } from "./selection.ts";

/**
 * The selections with which MAAS requests everything that a mirror has, and nothing else. `*` if the mirror has every
 * kernel; an empty list would match nothing and delete images.
 *
 * @throws ExplainedError if no selection matches: MAAS selects by subarch (`ga-24.04`), never by flavour, and with the
 * same subarches for all architectures of a release.
 */
export function maasSelections(
  lists: readonly ProductFile[],
  selected: readonly SelectedProduct[],
): MaasSelection[] {
  const held = new Set(selected.map(({ product }) => product));
  const images = lists.flatMap(({ products }) => products).filter(({ kind }) => kind === "image");
  const groups = new Map<string, Product[]>();
  for (const product of images) {
    if (!held.has(product)) continue;
    const key = `${product.os} ${product.release}`;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(product);
  }
  return [...groups.values()].map((products) => {
    const [{ os, release } = { os: "", release: "" }] = products;
    const arches = distinct(products.map(({ architecture }) => architecture));
    const offered = images.filter(
      (product) => product.os === os && product.release === release && arches.includes(product.architecture),
    );
    const lacking = offered.filter((product) => !held.has(product));
    const subarches = lacking.length === 0 ? ["*"] : distinct(products.map(({ subarch }) => subarch));
    const asked = lacking.filter(({ subarch }) => subarches.includes(subarch));
    if (asked.length > 0) {
      throw new ExplainedError({
        step: `computing MAAS's selection of ${os} ${release}`,
        found: `with ${subarches.join(", ")} MAAS would also request ${someOf(asked.map(({ kernel, architecture }) => `${kernel} for ${architecture}`))}, which kernels excludes`,
        remedy:
          "Add these kernels, or remove kernels: MAAS does not select by flavour or separately for each architecture, and an import fails if a file is missing.",
        values: ["images"],
      });
    }
    return { os, release, arches, subarches, labels: ["*"] };
  });
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
