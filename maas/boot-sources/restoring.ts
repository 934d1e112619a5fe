import type { MaasSelection } from "../../values/maas-selection.ts";
import type { BootSourceFields } from "../operations/boot-sources.ts";
import { comparedTo, type MaasVersion } from "../operations/version.ts";
import {
  type FoundSource,
  isUnsigned,
  otherSpelling,
  samePlace,
  sameRelease,
  sameSelection,
  sourceAt,
} from "./state.ts";
import type { SelectionStep } from "./steps.ts";

/** A boot source as it was before, in a form that can be stored in a file. */
export interface RememberedSource {
  readonly url: string;
  /** On the region host; `""` if there is a `keyring`. */
  readonly keyringFilename: string;
  /** Base64; `""` if there is a `keyringFilename`. */
  readonly keyring: string;
  /** Fields of MAAS 3.8 and newer. */
  readonly since38?: {
    readonly name: string;
    readonly priority: number;
    readonly enabled: boolean;
    readonly skipKeyringVerification: boolean;
  };
  readonly selections: readonly MaasSelection[];
}

/** One request to MAAS when restoring. */
export type RestoringStep =
  | { readonly do: "make source"; readonly fields: BootSourceFields }
  | { readonly do: "change source"; readonly id: number; readonly fields: BootSourceFields }
  | { readonly do: "delete source"; readonly id: number; readonly url: string }
  /** MAAS accepts a selection only if it has read the source's index, so not for a URL that it cannot reach. */
  | SelectionStep;

export function remembered(source: FoundSource): RememberedSource {
  const { url, keyringFilename, keyring, name, priority, enabled, skipKeyringVerification } = source;
  return {
    url,
    keyringFilename,
    keyring: keyring.toString("base64"),
    ...(name !== undefined && priority !== undefined
      ? {
          since38: {
            name,
            priority,
            enabled: enabled ?? true,
            skipKeyringVerification: skipKeyringVerification ?? isUnsigned(url),
          },
        }
      : {}),
    selections: source.selections.map(({ os, release, arches, subarches, labels }) => ({
      os,
      release,
      arches,
      subarches,
      labels,
    })),
  };
}

/**
 * The steps that restore the previous boot sources: first these are created or changed, then the declared ones are
 * deleted. A source that was added later and not declared is kept. If there is nothing to restore, the declared ones
 * are kept too, since MAAS must always have a source.
 *
 * @param declaredUrls The URLs that were declared.
 */
export function restoringSteps(
  version: MaasVersion,
  sources: readonly FoundSource[],
  declaredUrls: readonly string[],
  before: readonly RememberedSource[],
): RestoringStep[] {
  const taken = new Set<number>();
  const restored = before.flatMap((source) => {
    const exact = sources.find((candidate) => candidate.url === source.url);
    const existing = exact ?? sourceAt(sources, source.url);
    if (!existing || taken.has(existing.id)) return creationSteps(source.url, source);
    taken.add(existing.id);
    return changeSteps(version, existing, source);
  });
  const declared = sources.filter(
    ({ id, url }) => !taken.has(id) && declaredUrls.some((declaredUrl) => samePlace(declaredUrl, url)),
  );
  const kept = sources.length - declared.length;
  if (before.length === 0 && kept === 0) return [];
  return [...restored, ...declared.map(({ id, url }): RestoringStep => ({ do: "delete source", id, url }))];
}

function changeSteps(version: MaasVersion, existing: FoundSource, source: RememberedSource): RestoringStep[] {
  const fields = fieldsOf(source.url, source);
  const sameKeyring =
    existing.keyringFilename === source.keyringFilename &&
    existing.keyring.equals(Buffer.from(source.keyring, "base64"));
  // MAAS cannot change a source from a stored keyring to a file name. So the source is created again, under its other
  // spelling while both exist.
  if (!sameKeyring && source.keyringFilename && !existing.keyringFilename) {
    const deletion: RestoringStep = { do: "delete source", id: existing.id, url: existing.url };
    if (comparedTo(version, 3, 8) >= 0) return [deletion, ...creationSteps(source.url, source)];
    const url = existing.url === source.url ? otherSpelling(source.url) : source.url;
    return [...creationSteps(url, source), deletion];
  }
  const { since38 } = source;
  const sameRest =
    existing.url === source.url &&
    (!since38 ||
      (existing.name === since38.name &&
        existing.priority === since38.priority &&
        existing.enabled === since38.enabled &&
        existing.skipKeyringVerification === since38.skipKeyringVerification));
  return [
    ...(sameKeyring && sameRest ? [] : [{ do: "change source", id: existing.id, fields } as const]),
    ...selectionSteps(existing, source),
  ];
}

function creationSteps(url: string, source: RememberedSource): RestoringStep[] {
  return [
    { do: "make source", fields: fieldsOf(url, source) },
    ...source.selections.map((selection): RestoringStep => ({ do: "select", url, selection })),
  ];
}

function selectionSteps(existing: FoundSource, source: RememberedSource): RestoringStep[] {
  const wanted = source.selections.flatMap((selection): RestoringStep[] => {
    const made = existing.selections.find((candidate) => sameRelease(candidate, selection));
    if (!made) return [{ do: "select", url: existing.url, selection }];
    if (sameSelection(made, selection)) return [];
    return [{ do: "reselect", source: existing.id, id: made.id, selection }];
  });
  const dropped = existing.selections
    .filter((made) => !source.selections.some((selection) => sameRelease(made, selection)))
    .map((made): RestoringStep => ({ do: "deselect", source: existing.id, id: made.id, selection: made }));
  return [...wanted, ...dropped];
}

function fieldsOf(url: string, { keyringFilename, keyring, since38 }: RememberedSource): BootSourceFields {
  return {
    url,
    keyring: keyringFilename ? { filename: keyringFilename } : { data: Buffer.from(keyring, "base64") },
    ...since38,
  };
}
