import { createHash } from "node:crypto";

/** A file that a tree needs, and where it goes. */
export interface WorkItem {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Path below the upstream URL; undefined for what this workstation hands over. */
  readonly from: string | undefined;
  /** `tree/...` (as clients see the new tree), or below another word that the kind of tree knows. */
  readonly to: string;
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
