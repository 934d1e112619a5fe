import { createHash } from "node:crypto";
import { ExplainedError } from "../../errors/explained-error.ts";
import { byLine } from "../text-lines.ts";
import { interned } from "./interned-text.ts";
import type { PlanRow } from "./plan-row.ts";

/* The lines of a plan's text. */

export const title = "airgapped-maas apt plan 1";

export function lineOf({ sha256, size, path, package: found }: PlanRow): string {
  const file = [sha256, size, path];
  if (!found) return file.join(" ");
  // Joined at once: with concatenation V8 would keep all the pieces.
  return [...file, found.suite, found.component, found.architecture, found.name, found.version].join(" ");
}

/** The values of a suite's line. */
export interface Head {
  /** Date of its Release, ISO 8601. */
  readonly date: string;
  /** SHA-256 of the signed text. */
  readonly releaseSha256: string;
}

export type Heads = ReadonlyMap<string, Head>;

export function headsOf(suites: Heads): string[] {
  const lines = [...suites].map(
    ([name, { date, releaseSha256 }]) => `suite ${name} ${date} ${releaseSha256}`,
  );
  return [title, ...lines.sort()];
}

/** SHA-256 of a plan's text, computed without all of it in memory. */
export function planDigest(suites: Heads, rows: readonly PlanRow[]): string {
  const hash = createHash("sha256");
  for (const line of headsOf(suites)) hash.update(`${line}\n`);
  for (const row of rows) hash.update(`${lineOf(row)}\n`);
  return hash.digest("hex");
}

const compareRows = byLine(lineOf);

/** Sorted, without duplicates: a package of architecture all is in the index of every architecture. */
export function canonical(rows: readonly PlanRow[]): PlanRow[] {
  const sorted = [...rows].sort(compareRows);
  return sorted.filter((row, index) => {
    const before = sorted[index - 1];
    return !before || compareRows(before, row) !== 0;
  });
}

/** The row of a file's line, from its parts. */
export function rowFrom(parts: readonly string[]): PlanRow {
  const [
    sha256 = "",
    size = "",
    path = "",
    suite,
    component = "",
    architecture = "",
    name = "",
    version = "",
  ] = parts;
  const valid = /^[0-9a-f]{64}$/.test(sha256) && /^\d{1,15}$/.test(size) && path !== "";
  if (!valid || parts.some(hasControls)) {
    throw new ExplainedError({
      step: "reading a mirror's plan",
      found: `a line of it is invalid: ${JSON.stringify(parts.join(" ").slice(0, 120))}`,
      remedy: "It is damaged: update the mirror to create it again.",
    });
  }
  if (suite === undefined) return { sha256, size: Number(size), path };
  const found = {
    suite: interned(suite),
    component: interned(component),
    architecture: interned(architecture),
    name,
    version,
  };
  return { sha256, size: Number(size), path, package: found };
}

export function hasControls(part: string): boolean {
  return /[\x00-\x1f\x7f]/.test(part);
}

/** Whether a line belongs to the whole plan or to a suite, not to a file. */
export function isHead(line: string): boolean {
  return !/^[0-9a-f]{64} /.test(line);
}

/** The digest in a file's line, without reading the rest of it. */
export function contentOf(line: string): string {
  return line.slice(0, line.indexOf(" "));
}

/** The package of a file's line, with the suite and architecture that it is for. */
export function packageOf(line: string): { readonly package: string; readonly machine: string } | undefined {
  const [, , , suite, , architecture, name] = line.split(" ");
  if (suite === undefined) return undefined;
  return { package: `${suite} ${name} ${architecture}`, machine: `${suite} ${architecture}` };
}
