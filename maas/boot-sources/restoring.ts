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

/** A boot source as it was, in a form that a file can hold. */
export interface RememberedSource {
  readonly url: string;
  /** On the region host; `""` where there is `keyring`. */
  readonly keyringFilename: string;
  /** Base64; `""` where there is `keyringFilename`. */
  readonly keyring: string;
  /** The fields that MAAS has since 3.8. */
  readonly since38?: {
    readonly name: string;
    readonly priority: number;
    readonly enabled: boolean;
    readonly skipKeyringVerification: boolean;
  };
  readonly selections: readonly MaasSelection[];
}

/** One request to MAAS on the way back. */
export type RestoringStep =
  | { readonly do: "make source"; readonly fields: BootSourceFields }
  | { readonly do: "change source"; readonly id: number; readonly fields: BootSourceFields }
  | { readonly do: "delete source"; readonly id: number; readonly url: string }
  /** MAAS takes it where it has read the source's index: not of a place that it cannot reach. */
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
    };

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
 * What leads back to the sources that were there before: those first, then ours go. A source that was not declared and
 * came later stays. With nothing to put back, ours stay too, since MAAS is never left without a source.
 *
 * @param ours The URLs that were declared.
 */
export function restoringSteps(
  version: MaasVersion,
  sources: readonly FoundSource[],
  ours: readonly string[],
  before: readonly RememberedSource[],
): RestoringStep[] {
  const taken = new Set<number>();
  const back = before.flatMap((source) => {
    const exact = sources.find((candidate) => candidate.url === source.url);
    const there = exact ?? sourceAt(sources, source.url);
    if (!there || taken.has(there.id)) return making(source.url, source);
    taken.add(there.id);
    return bringBack(version, there, source);
  });
  const gone = sources.filter(({ id, url }) => !taken.has(id) && ours.some((our) => samePlace(our, url)));
  const staying = sources.length - gone.length;
  if (before.length === 0 && staying === 0) return [];
  return [...back, ...gone.map(({ id, url }): RestoringStep => ({ do: "delete source", id, url }))];
}

function bringBack(version: MaasVersion, there: FoundSource, source: RememberedSource): RestoringStep[] {
  const fields = fieldsOf(source.url, source);
  const sameKeyring =
    there.keyringFilename === source.keyringFilename &&
    there.keyring.equals(Buffer.from(source.keyring, "base64"));
  // From a stored keyring no change leads to a file name: the source is made anew, under its other spelling while both are there.
  if (!sameKeyring && source.keyringFilename && !there.keyringFilename) {
    const going: RestoringStep = { do: "delete source", id: there.id, url: there.url };
    if (comparedTo(version, 3, 8) >= 0) return [going, ...making(source.url, source)];
    const url = there.url === source.url ? otherSpelling(source.url) : source.url;
    return [...making(url, source), going];
  }
  const { since38 } = source;
  const sameRest =
    there.url === source.url &&
    (!since38 ||
      (there.name === since38.name &&
        there.priority === since38.priority &&
        there.enabled === since38.enabled &&
        there.skipKeyringVerification === since38.skipKeyringVerification));
  return [
    ...(sameKeyring && sameRest ? [] : [{ do: "change source", id: there.id, fields } as const]),
    ...selectionsBack(there, source),
  ];
}

function making(url: string, source: RememberedSource): RestoringStep[] {
  return [
    { do: "make source", fields: fieldsOf(url, source) },
    ...source.selections.map((selection): RestoringStep => ({ do: "select", url, selection })),
  ];
}

function selectionsBack(there: FoundSource, source: RememberedSource): RestoringStep[] {
  const wanted = source.selections.flatMap((selection): RestoringStep[] => {
    const made = there.selections.find((candidate) => sameRelease(candidate, selection));
    if (!made) return [{ do: "select", url: there.url, selection }];
    if (sameSelection(made, selection)) return [];
    return [{ do: "reselect", source: there.id, id: made.id, selection }];
  });
  const dropped = there.selections
    .filter((made) => !source.selections.some((selection) => sameRelease(made, selection)))
    .map((made): RestoringStep => ({ do: "deselect", source: there.id, id: made.id, selection: made }));
  return [...wanted, ...dropped];
}

function fieldsOf(url: string, { keyringFilename, keyring, since38 }: RememberedSource): BootSourceFields {
  return {
    url,
    keyring: keyringFilename ? { filename: keyringFilename } : { data: Buffer.from(keyring, "base64") },
    ...since38,
  };
}
