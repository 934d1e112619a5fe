import type { Maas } from "../maas.ts";
import { bootResources } from "./boot-resources.ts";
import { type BootSource, bootSources, removeRows, type Selection, selections } from "./boot-sources.ts";
import { passes } from "./descriptions.ts";
import { cachedImages } from "./source-cache.ts";

/** Deletes a boot source, its selections, and its cached images. */
export function removeBootSource(maas: Maas, source: BootSource): void {
  const gone = selections(maas).filter(({ bootSourceId }) => bootSourceId === source.id);
  removeRows(bootSources(maas), (row) => row === source);
  removeRows(selections(maas), (row) => gone.includes(row));
  removeRows(cachedImages(maas), (row) => row.bootSourceId === source.id);
  removeImages(maas, gone);
  maas.images.refreshSources();
}

/** Deletes a selection. */
export function removeSelection(maas: Maas, selection: Selection): void {
  removeRows(selections(maas), (row) => row === selection);
  removeImages(maas, [selection]);
}

/** Since 3.8 the images are deleted with their selection. Before 3.8 the next import deletes them. */
function removeImages(maas: Maas, gone: readonly Selection[]): void {
  if (!maas.version.namedSources || gone.length === 0) return;
  removeRows(bootResources(maas), ({ type, name, architecture, sets }) => {
    if (type !== "Synced") return false;
    const [os = "", release = ""] = name.split("/");
    const [arch = "", subarch = ""] = architecture.split("/");
    const image = { os, release, arch, subarch, label: sets.at(-1)?.label ?? "" };
    const rest = selections(maas);
    return passes(gone, image) && !(rest.length > 0 && passes(rest, image));
  });
}
