import { createHash } from "node:crypto";

/** A file that a tree needs, and where it goes. */
export interface WorkItem {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Path below the upstream URL; undefined for what this workstation hands over. */
  readonly from: string | undefined;
  /**
   * `pool/...` (the files of all kept trees), `tree/...` (as clients see the new tree), or for
   * a re-signed tree `view/...` (what reprepro reads), `selection/...` and `headers/...`.
   */
  readonly to: string;
}

export interface SuiteSummary {
  /** When upstream signed it, ISO 8601. */
  readonly date: string;
  /** SHA-256 of the text that upstream signed. */
  readonly release: string;
  readonly packages: number;
  /** Bytes of its packages. */
  readonly bytes: number;
}

/**
 * All that is needed to publish one state of a mirror: made and shown by the preview, carried out
 * as it stands by the update. It is known by its digest, as are the texts that it names.
 */
export interface Publication {
  /** Digest of the plan's text: what the tree holds, package by package, for comparison with later plans. */
  readonly planText: string;
  /** Digest of the work list's text. */
  readonly workList: string;
  /** Digest of what the preview found out, kept with the tree so that it can be served again without upstream. */
  readonly contents: string;
  /** Digests of what the workstation hands over: signed roots, selection lists, local packages. */
  readonly seeds: readonly string[];
  /** Suites to be written and signed (re-signed trees), in order. */
  readonly resign: readonly string[];
  /** Digest of the armored keys upstream signs with (re-signed trees). */
  readonly upstreamKey: string;
}

/** One line a file: sha256, size, origin (`-` for what is handed over), destination, separated by tabs. */
export function workListText(items: readonly WorkItem[]): string {
  const lines = items.map(({ sha256, size, from, to }) => {
    if (/[\t\n\0]/.test(`${from}${to}`))
      throw new TypeError(`${JSON.stringify(to)} cannot stand in a work list`);
    return `${sha256}\t${size}\t${from ?? "-"}\t${to}\n`;
  });
  return lines.sort().join("");
}

export function digestOf(bytes: string | Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
