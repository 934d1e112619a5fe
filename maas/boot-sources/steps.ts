import { ExplainedError } from "../../errors/explained-error.ts";
import type { MaasSelection } from "../../values/maas-selection.ts";
import { comparedTo, type MaasVersion } from "../operations/version.ts";
import {
  type FoundSource,
  isUnsigned,
  sameRelease,
  sameSelection,
  sourceAt,
  type WantedSource,
} from "./state.ts";

/** One request to MAAS about a selection. `source` is the id of its source, `id` its own. */
export type SelectionStep =
  | { readonly do: "select"; readonly url: string; readonly selection: MaasSelection }
  | {
      readonly do: "reselect" | "deselect";
      readonly source: number;
      readonly id: number;
      readonly selection: MaasSelection;
    };

/** One request to MAAS, or an import. The order of steps matters. */
export type BootSourceStep =
  | { readonly do: "make source"; readonly source: WantedSource }
  | { readonly do: "change source"; readonly id: number; readonly source: WantedSource }
  | { readonly do: "delete source"; readonly id: number; readonly url: string }
  /** Saves the source without a change, so that MAAS reads all indices again. Only these state what can be selected. */
  | { readonly do: "refresh"; readonly source: WantedSource }
  | { readonly do: "refresh by import" }
  | SelectionStep
  | { readonly do: "import" };

/** The current state of MAAS. */
export interface RegionState {
  readonly version: MaasVersion;
  readonly sources: readonly FoundSource[];
  /** Ids of sources at which MAAS before 3.8 stops reading indices. While they exist, nothing can be selected. */
  readonly blocking: ReadonlySet<number>;
  /** The release that machines are commissioned with. MAAS before 3.8 refuses to delete its last selection. */
  readonly commissioning: Pick<MaasSelection, "os" | "release">;
  /** Whether an image of a declared source is missing, incomplete or of another version than its mirror's. */
  readonly lacksImages: boolean;
}

export interface DesiredSources {
  /** At least one. */
  readonly sources: readonly WantedSource[];
  /** Whether MAAS must have no other sources. */
  readonly exclusive: boolean;
  readonly import: boolean;
}

/**
 * The steps from the current boot sources of MAAS to the declared ones. The steps may stop at any point: each
 * completed step is consistent, MAAS always has a source, and a new plan continues from there.
 *
 * 1. Declared sources are created first: MAAS before 3.8 without any source creates its default one again.
 * 2. Before 3.8: sources are deleted at which the reading of indices stops, since the next step waits for that.
 * 3. Selections, for which MAAS must have read the index. It does so when a source is saved or deleted, but never
 *    for the source with the id 1: that needs an import.
 * 4. Other sources are deleted after the declared ones have selections: without any selection of the commissioning
 *    release MAAS notifies its users, and never removes that notification. Before 3.8 this is done before the import,
 *    which stops at an unreachable source. Since 3.8 a source does not block others and its images are deleted with
 *    it at once, so it is done last.
 * 5. The import. Before 3.8 only an import deletes images that are no longer selected.
 *
 * @throws ExplainedError for a state that no order of steps reaches.
 */
export function bootSourceSteps(found: RegionState, desired: DesiredSources): BootSourceStep[] {
  const since38 = comparedTo(found.version, 3, 8) >= 0;
  const declared = desired.sources.map((source) => ({ source, found: sourceAt(found.sources, source.url) }));
  const adopted = new Set(declared.map((each) => each.found?.id));
  const others = found.sources.filter(({ id }) => !adopted.has(id));

  // The source with id 1 is changed first: the refresh of the others then reads its index too.
  const changed = declared.filter(({ found: existing, source }) => existing && differs(existing, source));
  const changes = changed
    .sort((one, other) => (one.found?.id ?? 0) - (other.found?.id ?? 0))
    .map(
      ({ found: existing, source }): BootSourceStep => ({
        do: "change source",
        id: existing?.id ?? 0,
        source,
      }),
    );
  const missing = declared
    .filter((each) => !each.found)
    .map(({ source }): BootSourceStep => ({ do: "make source", source }));
  // If two sources have the same image, MAAS uses the older source, and since 3.8 the one with the higher priority,
  // which is the one created last.
  const creations = since38 ? missing.reverse() : missing;
  const deletionsOf = (which: readonly FoundSource[]): BootSourceStep[] =>
    desired.exclusive ? which.map(({ id, url }) => ({ do: "delete source", id, url })) : [];
  const blocks = ({ id }: FoundSource) => !since38 && found.blocking.has(id);
  const early = deletionsOf(others.filter(blocks).sort((one, other) => one.id - other.id));
  const late = deletionsOf(others.filter((source) => !blocks(source)));

  const selections = declared.flatMap(({ source, found: existing }) => selectionSteps(source, existing));
  const prepared = [...changes, ...creations, ...early];
  const refresh = selections.length > 0 && !refreshes(prepared.at(-1)) ? refreshSteps(declared, desired) : [];
  const dropped = declared.flatMap(({ source, found: existing }) => dropSteps(source, existing));
  if (!since38) refuseToDropCommissioning(dropped, found);

  const before = [...prepared, ...refresh, ...selections, ...dropped, ...(since38 ? [] : late)];
  const imports = desired.import && (before.length > 0 || found.lacksImages);
  return [...before, ...(imports ? [{ do: "import" } as const] : []), ...(since38 ? late : [])];
}

/** Whether a source must be sent again, including its keyring. */
function differs(existing: FoundSource, wanted: WantedSource): boolean {
  return (
    !existing.keyring.equals(wanted.keyring) ||
    existing.keyringFilename !== "" ||
    existing.enabled === false ||
    (existing.skipKeyringVerification === true && !isUnsigned(wanted.url))
  );
}

/** Whether MAAS reads all indices again after a step. It never does so for the source with id 1. */
function refreshes(step: BootSourceStep | undefined): boolean {
  if (step?.do === "make source") return true;
  return (step?.do === "change source" || step?.do === "delete source") && step.id !== 1;
}

interface Declared {
  readonly source: WantedSource;
  readonly found: FoundSource | undefined;
}

/** Saving an unchanged source makes MAAS read what its mirror offers now. */
function refreshSteps(declared: readonly Declared[], desired: DesiredSources): BootSourceStep[] {
  const touched = declared.find(({ found }) => found?.id !== 1);
  if (touched) return [{ do: "refresh", source: touched.source }];
  if (desired.import) return [{ do: "refresh by import" }];
  throw new ExplainedError({
    step: "planning the boot sources of MAAS",
    found: `${declared[0]?.source.url} is MAAS's first boot source, whose index MAAS reads again only in an import, and import is false`,
    remedy: "Set import: true, or give the mirror another URL.",
    values: ["import"],
  });
}

function selectionSteps(
  { url, selections }: WantedSource,
  existing: FoundSource | undefined,
): BootSourceStep[] {
  return selections.flatMap((selection): BootSourceStep[] => {
    const made = existing?.selections.find((candidate) => sameRelease(candidate, selection));
    if (!existing || !made) return [{ do: "select", url, selection }];
    if (sameSelection(made, selection)) return [];
    return [{ do: "reselect", source: existing.id, id: made.id, selection }];
  });
}

function dropSteps({ selections }: WantedSource, there: FoundSource | undefined) {
  const dropped = (there?.selections ?? []).filter(
    (made) => !selections.some((wanted) => sameRelease(made, wanted)),
  );
  return dropped.map(
    (made) => ({ do: "deselect", source: there?.id ?? 0, id: made.id, selection: made }) as const,
  );
}

function refuseToDropCommissioning(
  dropped: readonly { readonly selection: MaasSelection }[],
  { commissioning }: RegionState,
): void {
  const { os, release } = commissioning;
  if (!dropped.some(({ selection }) => selection.os === os && selection.release === release)) return;
  throw new ExplainedError({
    step: "planning the boot sources of MAAS",
    found: `${os}/${release} is selected in MAAS and not declared, but MAAS commissions machines with it and does not delete its selection`,
    remedy: `Declare ${os}/${release} among the selections, or set another commissioning release first (commissioning_distro_series).`,
    values: ["selections"],
  });
}
