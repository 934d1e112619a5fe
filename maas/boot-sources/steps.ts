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

/** One request to MAAS, or an import, in the order in which they have to be made. */
export type BootSourceStep =
  | { readonly do: "make source"; readonly source: WantedSource }
  | { readonly do: "change source"; readonly id: number; readonly source: WantedSource }
  | { readonly do: "delete source"; readonly id: number; readonly url: string }
  /** Lets MAAS read all indices again, which alone says what can be selected: by saving the source as it is. */
  | { readonly do: "refresh"; readonly source: WantedSource }
  | { readonly do: "refresh by import" }
  | { readonly do: "select"; readonly url: string; readonly selection: MaasSelection }
  | {
      readonly do: "reselect";
      readonly source: number;
      readonly id: number;
      readonly selection: MaasSelection;
    }
  | {
      readonly do: "deselect";
      readonly source: number;
      readonly id: number;
      readonly selection: MaasSelection;
    }
  | { readonly do: "import" };

/** What MAAS has. */
export interface RegionState {
  readonly version: MaasVersion;
  readonly sources: readonly FoundSource[];
  /** Ids of sources at which MAAS before 3.8 stops reading indices, so that nothing can be selected while they are there. */
  readonly blocking: ReadonlySet<number>;
  /** The release that machines are commissioned with, of which MAAS before 3.8 gives up no selection. */
  readonly commissioning: Pick<MaasSelection, "os" | "release">;
  /** Whether an image of a declared source is missing, incomplete or of another serial than its mirror's. */
  readonly lacksImages: boolean;
}

export interface DesiredSources {
  /** At least one. */
  readonly sources: readonly WantedSource[];
  /** Whether MAAS is to have no other sources. */
  readonly exclusive: boolean;
  readonly import: boolean;
}

/**
 * What leads from the boot sources that MAAS has to those that are declared. Whatever moment it ends at, what was
 * done is whole, MAAS has a source, and planning anew leads on.
 *
 * 1. Declared sources come first: a MAAS (before 3.8) without any makes its default one again.
 * 2. Before 3.8, sources go at which the reading of indices stops, for which the next step waits.
 * 3. Selections, for which MAAS must have read the index. It does that when a source is saved or deleted, but never
 *    for the source with the id 1: then it needs an import.
 * 4. Other sources go once ours are selected from: without any selection of the commissioning release MAAS notifies its
 *    users, and never takes that back. Before 3.8 it is done before the import, which ends at a source that is dead;
 *    since then no source blocks others, and its images go with it at once: there it is done last.
 * 5. The import: before 3.8 it alone also takes away what is no longer selected.
 *
 * @throws ExplainedError for what no order of steps reaches
 */
export function bootSourceSteps(found: RegionState, wish: DesiredSources): BootSourceStep[] {
  const since38 = comparedTo(found.version, 3, 8) >= 0;
  const declared = wish.sources.map((source) => ({ source, found: sourceAt(found.sources, source.url) }));
  const adopted = new Set(declared.map((each) => each.found?.id));
  const others = found.sources.filter(({ id }) => !adopted.has(id));

  // The first source is changed before others: their refresh then reads its index too.
  const kept = declared.filter(({ found: there, source }) => there && differs(there, source));
  const changes = kept
    .sort((one, other) => (one.found?.id ?? 0) - (other.found?.id ?? 0))
    .map(({ found: there, source }): BootSourceStep => ({ do: "change source", id: there?.id ?? 0, source }));
  const missing = declared
    .filter((each) => !each.found)
    .map(({ source }): BootSourceStep => ({ do: "make source", source }));
  // Of two sources with one image MAAS takes the older one's, and since 3.8 that of the higher priority: the one made last.
  const makes = since38 ? missing.reverse() : missing;
  const goes = (which: readonly FoundSource[]): BootSourceStep[] =>
    wish.exclusive ? which.map(({ id, url }) => ({ do: "delete source", id, url })) : [];
  const blocks = ({ id }: FoundSource) => !since38 && found.blocking.has(id);
  const early = goes(others.filter(blocks).sort((one, other) => one.id - other.id));
  const late = goes(others.filter((source) => !blocks(source)));

  const selections = declared.flatMap(({ source, found: there }) => selectionSteps(source, there));
  const prepared = [...changes, ...makes, ...early];
  const refresh = selections.length > 0 && !refreshes(prepared.at(-1)) ? refreshSteps(declared, wish) : [];
  const dropped = declared.flatMap(({ source, found: there }) => dropSteps(source, there));
  if (!since38) refuseToDropCommissioning(dropped, found);

  const before = [...prepared, ...refresh, ...selections, ...dropped, ...(since38 ? [] : late)];
  const imports = wish.import && (before.length > 0 || found.lacksImages);
  return [...before, ...(imports ? [{ do: "import" } as const] : []), ...(since38 ? late : [])];
}

/** Whether a source has to be sent again, keyring and all. */
export function differs(there: FoundSource, wanted: WantedSource): boolean {
  return (
    !there.keyring.equals(wanted.keyring) ||
    there.keyringFilename !== "" ||
    there.enabled === false ||
    (there.skipKeyringVerification === true && !isUnsigned(wanted.url))
  );
}

/** Whether MAAS reads all indices again after a step; it never does so for its first source. */
function refreshes(step: BootSourceStep | undefined): boolean {
  if (step?.do === "make source") return true;
  return (step?.do === "change source" || step?.do === "delete source") && step.id !== 1;
}

interface Declared {
  readonly source: WantedSource;
  readonly found: FoundSource | undefined;
}

/** Saving a source as it is lets MAAS look for what its mirror offers by now. */
function refreshSteps(declared: readonly Declared[], wish: DesiredSources): BootSourceStep[] {
  const touched = declared.find(({ found }) => found?.id !== 1);
  if (touched) return [{ do: "refresh", source: touched.source }];
  if (wish.import) return [{ do: "refresh by import" }];
  throw new ExplainedError({
    step: "planning the boot sources of MAAS",
    found: `${declared[0]?.source.url} is MAAS's first boot source, whose index MAAS reads again by an import alone, and import is false`,
    remedy: "Let it import (import: true), or give the mirror another URL.",
    values: ["import"],
  });
}

function selectionSteps({ url, selections }: WantedSource, there: FoundSource | undefined): BootSourceStep[] {
  return selections.flatMap((selection): BootSourceStep[] => {
    const made = there?.selections.find((candidate) => sameRelease(candidate, selection));
    if (!there || !made) return [{ do: "select", url, selection }];
    if (sameSelection(made, selection)) return [];
    return [{ do: "reselect", source: there.id, id: made.id, selection }];
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
    found: `${os}/${release} is selected there and not declared, but MAAS commissions machines with it and keeps its selection`,
    remedy: `Declare ${os}/${release} among the selections, or let MAAS commission with another release first (commissioning_distro_series).`,
    values: ["selections"],
  });
}
