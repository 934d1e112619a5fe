import { ownValue } from "../../../content/own-value.ts";
import type { FoundSource } from "../../../maas/boot-sources/state.ts";
import type { MaasReader } from "../../../maas/client.ts";
import {
  type BootResourceDetail,
  listBootResources,
  readBootResource,
} from "../../../maas/operations/boot-resources.ts";
import { type BootSource, listBootSources } from "../../../maas/operations/boot-sources.ts";
import { listSelections } from "../../../maas/operations/selections.ts";

/** Boot sources with their selections; the selections of sources that `which` excludes are not read. */
export async function readSources(
  reader: MaasReader,
  which: (source: BootSource) => boolean = () => true,
): Promise<FoundSource[]> {
  const found: FoundSource[] = [];
  for (const source of await listBootSources(reader)) {
    found.push({ ...source, selections: which(source) ? await listSelections(reader, source.id) : [] });
  }
  return found;
}

/** The progress of MAAS with an image. */
export interface ImageState {
  /** The newest complete version; undefined if there is none. */
  readonly complete: string | undefined;
  /** Percent of the wanted version; undefined if MAAS has not started it. */
  readonly progress: number | undefined;
}

/** The state of the given images in MAAS, by its names. One request, and one more for each existing image. */
export async function readImages(
  reader: MaasReader,
  wanted: Readonly<Record<string, string>>,
): Promise<Record<string, ImageState>> {
  const states = new Map<string, ImageState>();
  if (Object.keys(wanted).length === 0) return {};
  for (const { id, name, architecture } of await listBootResources(reader, "synced")) {
    const image = `${name} ${architecture}`;
    const version = ownValue(wanted, image);
    if (version === undefined) continue;
    states.set(image, stateOf(await readBootResource(reader, id), version));
  }
  return Object.fromEntries(states);
}

function stateOf({ sets }: BootResourceDetail, version: string): ImageState {
  const set = sets.find((candidate) => candidate.version === version);
  const newest = sets.findLast(({ complete }) => complete)?.version;
  return { complete: set?.complete ? version : newest, progress: set && Math.floor(set.progress) };
}

/** The state of an image in the form of the declaration: its version if it is complete. */
export function imageStateText(state: ImageState | undefined, wanted: string): string {
  if (!state) return "not there";
  if (state.complete === wanted) return wanted;
  const begun = state.progress === undefined ? "" : `${state.progress} % of ${wanted}`;
  return [state.complete, begun].filter(Boolean).join(", ") || "not complete";
}
