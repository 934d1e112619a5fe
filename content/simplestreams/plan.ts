import { ExplainedError } from "../../errors/explained-error.ts";
import type { MaasSelection } from "../../values/maas-selection.ts";
import { someOf } from "../names.ts";
import { missingBootloaders } from "./bootloaders.ts";
import { refuseContradictions, refuseTwins } from "./contradictions.ts";
import { maasSelections } from "./maas-selection.ts";
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

/** Of a whole plan. With all images of images.maas.io it has some thousand. */
const mostFiles = 200_000;

/**
 * Everything that a mirror must hold so that MAAS, given the stream's own signed files, finds what it asks for.
 *
 * @throws ExplainedError for what `selectProducts` and `maasSelections` refuse, and where the stream contradicts itself
 */
export async function planImages(roots: StreamRoots, request: ImagePlanRequest): Promise<PlannedImages> {
  const lists = await readProducts(roots);
  const { selected, leftOut } = selectProducts(lists, request.images, request.keepVersions);
  const metadata = [...roots.files, ...(request.unsigned ? await unsignedForms(roots) : [])];
  const rows: PlanRow[] = metadata.map(({ path, size, sha256 }) => ({ path, size, sha256 }));
  for (const { product, files } of selected) {
    const { kind, os, release, architecture, kernel, name } = product;
    for (const { path, size, sha256, serial } of files) {
      rows.push({ path, size, sha256, product: { kind, os, release, architecture, kernel, name, serial } });
    }
  }
  if (rows.length > mostFiles) {
    throw new ExplainedError({
      step: "planning a mirror of images",
      found: `the selected images have ${rows.length} files, and more than ${mostFiles} are not mirrored`,
      remedy: "Ask those who run the stream: an image has about five files.",
    });
  }
  refuseTwins(lists, selected);
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
      ...(leftOut.length > 0
        ? [
            `the stream has products of odd shape, which are left out: ${someOf(
              leftOut.map(({ found }) => found),
              3,
            )}`,
          ]
        : []),
    ],
  };
}
