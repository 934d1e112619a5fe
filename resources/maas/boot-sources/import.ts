import { setTimeout as pause } from "node:timers/promises";
import type { ImageVersions } from "../../../content/simplestreams/maas-images.ts";
import { ExplainedError } from "../../../errors/explained-error.ts";
import type { MaasClient } from "../../../maas/client.ts";
import { isImporting, startImport } from "../../../maas/operations/boot-resources.ts";
import { importerErrors } from "./importer-notifications.ts";
import type { Limits } from "./limits.ts";
import { type ImageState, imageStateText, readImages } from "./read-sources.ts";

/**
 * Maximum number of imports: another one follows an import that ended early, or was started earlier with other
 * selections.
 */
const maximumImports = 3;

/**
 * Lets MAAS import, and waits until every image is complete in its version. A running import is not interrupted: MAAS
 * starts no second one meanwhile, so another is started afterwards if images are missing.
 *
 * @param wanted If empty: waits until the import has ended.
 * @param ours URLs of the declared sources. Errors of other sources are ignored.
 * @throws ExplainedError with the error of MAAS's importer, if its imports end and images are missing.
 */
export async function importImages(
  client: MaasClient,
  wanted: ImageVersions,
  ours: readonly string[],
  limits: Limits,
  progress: (line: string) => void,
): Promise<void> {
  const started = Date.now();
  for (let imports = 1; ; imports++) {
    await startImport(client);
    progress(`MAAS imports ${Object.keys(wanted).length} images`);
    const missing = await untilImportEnds(client, wanted, limits, progress);
    if (missing.length === 0) return;
    const complaints = await importerErrors(client, ours);
    if (imports < maximumImports && !complaints.ours) continue;
    throw incompleteError(missing, complaints.all, Date.now() - started);
  }
}

/** Returns the missing images when the import has ended. */
async function untilImportEnds(
  client: MaasClient,
  wanted: ImageVersions,
  limits: Limits,
  progress: (line: string) => void,
): Promise<string[]> {
  let lacking = wanted;
  let before = "";
  let moved = Date.now();
  let busy = Date.now();
  for (let wait = 200; ; wait = Math.min(wait * 2, limits.pollMs)) {
    const states = await readImages(client, lacking);
    lacking = Object.fromEntries(
      Object.entries(lacking).filter(([image, version]) => states[image]?.complete !== version),
    );
    const isBusy = await isImporting(client);
    const names = Object.keys(lacking);
    // Images that are no longer selected are deleted at the end of an import.
    if (names.length === 0 && !isBusy) return [];
    const line = names
      .map((image) => `${image}: ${imageStateText(states[image], lacking[image] ?? "")}`)
      .join("\n");
    if (line !== before) {
      moved = Date.now();
      progress(progressLine(wanted, lacking, states));
    }
    before = line;
    if (isBusy) busy = Date.now();
    if (!isBusy && Date.now() - busy >= limits.restMs)
      return names.map((image) => `${image} (${imageStateText(states[image], lacking[image] ?? "")})`);
    if (Date.now() - moved > limits.stallMs) throw stalledError(names, limits);
    await pause(wait);
  }
}

/** `3 of 24 images are complete; ubuntu/noble amd64/ga-24.04: 45 %`. */
function progressLine(
  wanted: ImageVersions,
  lacking: ImageVersions,
  states: Readonly<Record<string, ImageState>>,
): string {
  const all = Object.keys(wanted).length;
  const open = Object.keys(lacking);
  const inProgress = open
    .filter((image) => states[image]?.progress !== undefined)
    .map((image) => `${image}: ${states[image]?.progress} %`);
  return [`${all - open.length} of ${all} images are complete`, ...inProgress.slice(0, 3)].join("; ");
}

function incompleteError(
  missing: readonly string[],
  complaint: string,
  milliseconds: number,
): ExplainedError {
  const few = missing.slice(0, 6).join(", ") + (missing.length > 6 ? ` and ${missing.length - 6} more` : "");
  return new ExplainedError({
    step: "waiting for MAAS to import images",
    found: `after ${Math.round(milliseconds / 1000)} s the import has ended, but these images are not complete: ${few}. ${complaint ? `Its image importer reports: ${complaint}` : "Its image importer reports no error"}`,
    remedy: complaint
      ? "Fix what it reports, then run the update again: it continues where it stopped."
      : "See regiond's log on the region host (`journalctl -u maas-regiond`, or `snap logs maas`) and the free space for images there (`df`), then run the update again: it continues where it stopped.",
  });
}

function stalledError(images: readonly string[], { stallMs }: Limits): ExplainedError {
  return new ExplainedError({
    step: "waiting for MAAS to import images",
    found: `no progress for ${Math.round(stallMs / 60_000)} minutes: ${images.slice(0, 6).join(", ") || "the import does not end"}`,
    remedy:
      "Check whether the region still downloads. The import continues in MAAS; the next update waits for it. To end it: `maas PROFILE boot-resources stop-import`.",
  });
}
