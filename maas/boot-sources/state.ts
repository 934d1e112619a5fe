import type { MaasSelection } from "../../values/maas-selection.ts";
import type { BootSource } from "../operations/boot-sources.ts";
import type { Selection } from "../operations/selections.ts";

/** A boot source as MAAS has it, with what is selected from it. */
export interface FoundSource extends BootSource {
  readonly selections: readonly Selection[];
}

/** A boot source as it is declared. */
export interface WantedSource {
  /** The stream's root, or its index. */
  readonly url: string;
  /** The binary keyring's bytes. */
  readonly keyring: Buffer;
  /** All of them, each of another release. */
  readonly selections: readonly MaasSelection[];
}

/**
 * Whether two URLs are one place. Before 3.8 MAAS takes them for two sources when one has a slash at its end; since
 * 3.8 it stores none.
 */
export function samePlace(one: string, other: string): boolean {
  return withoutSlash(one) === withoutSlash(other);
}

export function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}

/** The same place as a URL that MAAS before 3.8 takes for another one. */
export function otherSpelling(url: string): string {
  return url.endsWith("/") ? withoutSlash(url) : `${url}/`;
}

/** Whether a stream's signature is left unchecked: MAAS decides that by the URL's end. */
export function isUnsigned(url: string): boolean {
  return url.endsWith(".json");
}

export function sameRelease(one: MaasSelection, other: MaasSelection): boolean {
  return one.os === other.os && one.release === other.release;
}

/** Whether two selections take the same; the order of a list means nothing. */
export function sameSelection(one: MaasSelection, other: MaasSelection): boolean {
  const lists = ["arches", "subarches", "labels"] as const;
  return sameRelease(one, other) && lists.every((list) => sorted(one[list]) === sorted(other[list]));
}

function sorted(words: readonly string[]): string {
  return [...new Set(words)].sort().join(" ");
}

/** The source that stands for a declared one: written just so, else with another slash; best not the first of all. */
export function sourceAt<S extends BootSource>(sources: readonly S[], url: string): S | undefined {
  const fit = sources.filter((source) => samePlace(source.url, url));
  return (
    fit.find((source) => source.url === url && source.id !== 1) ??
    fit.find((source) => source.id !== 1) ??
    fit[0]
  );
}
