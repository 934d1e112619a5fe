import { ExplainedError } from "../../errors/explained-error.ts";
import type { MaasSelection } from "../../values/maas-selection.ts";
import { someOf } from "../names.ts";
import { missingBootloaders } from "./bootloaders.ts";
import { refuseContradictions, refuseDuplicateProducts } from "./contradictions.ts";
import { maasSelections } from "./maas-selection.ts";
import { type NotHeld, notHeld } from "./not-held.ts";
import { type ImagePlan, type PlanRow, summarise } from "./plan-text.ts";
import { type ImageRequest, selectProducts } from "./selection.ts";
import { readProducts, type StreamFile, type StreamRoots } from "./streams.ts";
import { unsignedForms } from "./unsigned.ts";

export interface ImagePlanRequest {
  readonly images: readonly ImageRequest[];
  /** Number of newest versions of each product to mirror. MAAS imports only the newest. @default 1 */
  readonly keepVersions?: number | undefined;
  /** Whether to also publish the unsigned `.json` forms. @default false */
  readonly unsigned?: boolean | undefined;
}

/** A plan, with further results of planning. */
export interface PlannedImages extends ImagePlan {
  /**
   * The index and the product files, with their bytes. Publish exactly these bytes and do not fetch them again: only
   * these were verified, and the index has no digests of product files.
   */
  readonly metadata: readonly StreamFile[];
  readonly selections: readonly MaasSelection[];
  readonly notHeld: NotHeld;
  /** Warnings for the user. */
  readonly warnings: readonly string[];
}

/** Maximum number of files of a plan. With all images of images.maas.io it has a few thousand. */
const maximumFiles = 200_000;

/**
 * The content of a mirror from which MAAS can import with the stream's own signed files.
 *
 * @throws ExplainedError for requests that `selectProducts` or `maasSelections` refuse, and for contradictions in the
 * stream.
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
  if (rows.length > maximumFiles) {
    throw new ExplainedError({
      step: "planning a mirror of images",
      found: `the selected images have ${rows.length} files; the maximum is ${maximumFiles}`,
      remedy: "Ask the operator of the stream: an image has about five files.",
    });
  }
  refuseDuplicateProducts(lists, selected);
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
      ...(roots.keys ? [] : ["the stream is unsigned: the origin of these images is not verified"]),
      ...(missing.length > 0
        ? [`the stream has no boot loader ${missing.join(", ")}: machines cannot boot from this stream alone`]
        : []),
      ...(held.summary ? [held.summary] : []),
      ...(leftOut.length > 0
        ? [
            `the stream has invalid products, which are ignored: ${someOf(
              leftOut.map(({ found }) => found),
              3,
            )}`,
          ]
        : []),
    ],
  };
}
