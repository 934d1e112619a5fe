import { ExplainedError } from "../../errors/explained-error.ts";
import { missingBootloaders } from "./bootloaders.ts";
import { type MaasSelection, maasSelections } from "./maas-selection.ts";
import { type NotHeld, notHeld } from "./not-held.ts";
import { type ImagePlan, type PlanRow, summarise } from "./plan-text.ts";
import { type ImageRequest, selectProducts } from "./selection.ts";
import { readProducts, type StreamFile, type StreamRoots } from "./streams.ts";
import { unsignedForms } from "./unsigned.ts";

export interface ImagePlanRequest {
  readonly images: readonly ImageRequest[];
  /** How many of the newest versions of each product to hold. MAAS imports the newest only. @default 1 */
  readonly keepVersions?: number | undefined;
  /** Publish the unsigned `.json` forms too. @default false */
  readonly unsigned?: boolean | undefined;
}

/** A plan, and what is known when it is made. */
export interface PlannedImages extends ImagePlan {
  /**
   * The index and the product files, with their bytes. They are to be published as they are here and never fetched
   * again: nothing but these bytes was verified, and the index says nothing of a product file's content.
   */
  readonly metadata: readonly StreamFile[];
  readonly selections: readonly MaasSelection[];
  readonly notHeld: NotHeld;
  /** What a person should know of it. */
  readonly warnings: readonly string[];
}

/**
 * Everything that a mirror must hold so that MAAS, given the stream's own signed files, finds what it asks for.
 *
 * @throws ExplainedError for what `selectProducts` and `maasSelections` refuse, and for one path with two contents
 */
export async function planImages(roots: StreamRoots, request: ImagePlanRequest): Promise<PlannedImages> {
  const lists = await readProducts(roots);
  const selected = selectProducts(lists, request.images, request.keepVersions);
  const metadata = [...roots.files, ...(request.unsigned ? await unsignedForms(roots) : [])];
  const rows: PlanRow[] = metadata.map(({ path, size, sha256 }) => ({ path, size, sha256 }));
  for (const { product, serials } of selected) {
    const { kind, os, release, architecture, kernel, name } = product;
    for (const serial of serials) {
      const of = { kind, os, release, architecture, kernel, name, serial };
      for (const { path, size, sha256 } of product.items(serial)) {
        rows.push({ path, size, sha256, product: of });
      }
    }
  }
  refuseContradictions(rows);
  const held = notHeld(lists, selected);
  const missing = missingBootloaders(
    lists.flatMap(({ products }) => products),
    request.images.filter(({ os }) => os === "ubuntu").flatMap(({ architectures }) => architectures),
  );
  return {
    ...summarise(roots.ages, rows),
    metadata,
    selections: maasSelections(lists, selected),
    notHeld: held,
    warnings: [
      ...(roots.keys
        ? []
        : ["the stream is unsigned: nothing proves that these are the images of who made them"]),
      ...(missing.length > 0
        ? [`the stream has no boot loader ${missing.join(", ")}: machines cannot start from it alone`]
        : []),
      ...(held.summary ? [held.summary] : []),
    ],
  };
}

function refuseContradictions(rows: readonly PlanRow[]): void {
  const files = new Map<string, PlanRow>();
  for (const row of rows) {
    const other = files.get(row.path);
    if (other && (other.sha256 !== row.sha256 || other.size !== row.size)) {
      const nameOf = ({ product }: PlanRow) =>
        product ? `${product.name} ${product.serial}` : "the stream itself";
      throw new ExplainedError({
        step: "planning a mirror of images",
        found: `${row.path} is to have two contents: ${other.sha256} (${other.size} bytes, of ${nameOf(other)}) and ${row.sha256} (${row.size} bytes, of ${nameOf(row)})`,
        remedy: "Upstream contradicts itself: wait until it is right again, or use another mirror of it.",
      });
    }
    files.set(row.path, row);
  }
}
