import { ExplainedError } from "../../errors/explained-error.ts";
import type { MaasSelection } from "../../values/maas-selection.ts";
import { someOf } from "../names.ts";
import type { Product, ProductFile } from "./products.ts";
import type { SelectedProduct } from "./selection.ts";

/**
 * What MAAS is to select so that it asks for all that a mirror holds, and for nothing else. `*` wherever the mirror
 * has every kernel; an empty list matches nothing and deletes images.
 *
 * @throws ExplainedError when no selection can say it: MAAS selects by subarch (`ga-24.04`), never by flavour, and
 *   the same subarches for all architectures of a release.
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
        step: `finding what MAAS is to select of ${os} ${release}`,
        found: `with ${subarches.join(", ")} MAAS would also ask for ${someOf(asked.map(({ kernel, architecture }) => `${kernel} for ${architecture}`))}, which kernels leaves out`,
        remedy:
          "Add these kernels, or name none: MAAS selects neither by flavour nor apart for each architecture, and an import fails when one file is not there.",
        values: ["images"],
      });
    }
    return { os, release, arches, subarches, labels: ["*"] };
  });
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
