import type { MaasSelection } from "../../values/maas-selection.ts";
import type { BootSource } from "../operations/boot-sources.ts";
import type { Selection } from "../operations/selections.ts";

/** A boot source in MAAS, with its selections. */
export interface FoundSource extends BootSource {
  readonly selections: readonly Selection[];
}

/** A declared boot source. */
export interface WantedSource {
  /** URL of the stream's root, or of its index. */
  readonly url: string;
  /** The binary keyring's bytes. */
  readonly keyring: Buffer;
  /** All selections, one per release. */
  readonly selections: readonly MaasSelection[];
}

/**
 * Whether two URLs name the same place. MAAS before 3.8 treats them as two sources if only one has a trailing slash;
 * since 3.8 it stores none.
 */
export function samePlace(one: string, other: string): boolean {
  return withoutSlash(one) === withoutSlash(other);
}

export function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}

/** The URL of the same place that MAAS before 3.8 treats as another one. */
export function otherSpelling(url: string): string {
  return url.endsWith("/") ? withoutSlash(url) : `${url}/`;
}

/** Whether MAAS does not check the stream's signature: it decides that by the end of the URL. */
export function isUnsigned(url: string): boolean {
  return url.endsWith(".json");
}

export function sameRelease(one: MaasSelection, other: MaasSelection): boolean {
  return one.os === other.os && one.release === other.release;
}

/** Whether two selections are equal. The order of their lists does not matter. */
export function sameSelection(one: MaasSelection, other: MaasSelection): boolean {
  const lists = ["arches", "subarches", "labels"] as const;
  return sameRelease(one, other) && lists.every((list) => sorted(one[list]) === sorted(other[list]));
}

function sorted(values: readonly string[]): string {
  return [...new Set(values)].sort().join(" ");
}

/**
 * The source in MAAS for a declared URL: an exact match first, otherwise one that differs in the trailing slash;
 * preferably not the one with id 1.
 */
export function sourceAt<S extends BootSource>(sources: readonly S[], url: string): S | undefined {
  const fit = sources.filter((source) => samePlace(source.url, url));
  return (
    fit.find((source) => source.url === url && source.id !== 1) ??
    fit.find((source) => source.id !== 1) ??
    fit[0]
  );
}
