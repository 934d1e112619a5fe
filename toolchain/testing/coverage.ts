import { existsSync, readFileSync } from "node:fs";

/** One source file in Istanbul's JSON: how often each statement, function and branch arm ran. */
interface Reached {
  readonly s: Record<string, number>;
  readonly f: Record<string, number>;
  readonly b: Record<string, number[]>;
}

/**
 * A summary of several `coverage-final.json`, one line per folder: the percentage of statements, functions and branches
 * that ran in any of the runs. It covers the test processes only, not the programs and providers that they start.
 */
export function coverageSummary(files: readonly string[], root: string): string {
  const sources = new Map<string, Reached[]>();
  for (const file of files.filter((each) => existsSync(each))) {
    const runs = JSON.parse(readFileSync(file, "utf8")) as Record<string, Reached>;
    for (const [path, reached] of Object.entries(runs))
      sources.set(path, [...(sources.get(path) ?? []), reached]);
  }
  const rows = new Map<string, Share[]>();
  for (const [path, runs] of sources) {
    const shares = [
      share(runs.map(({ s }) => Object.values(s))),
      share(runs.map(({ f }) => Object.values(f))),
      share(runs.map(({ b }) => Object.values(b).flat())),
    ];
    const folder = path.startsWith(`${root}/`) ? (path.slice(root.length + 1).split("/")[0] ?? "") : path;
    for (const row of [folder, "all"]) rows.set(row, addUp(rows.get(row), shares));
  }
  const table = [...rows.keys()].sort(
    (a, b) => Number(a === "all") - Number(b === "all") || (a < b ? -1 : 1),
  );
  return [
    "coverage    statements  functions  branches",
    ...table.map((name) => `${name.padEnd(11)} ${(rows.get(name) ?? []).map(percent).join("  ")}`),
  ].join("\n");
}

interface Share {
  readonly reached: number;
  readonly of: number;
}

/**
 * All runs number the statements of a source in the same way. A statement is covered if any run reached it.
 */
function share(runs: readonly (readonly number[])[]): Share {
  const length = Math.max(0, ...runs.map((run) => run.length));
  const reached = Array.from({ length }, (_, index) => runs.some((run) => (run[index] ?? 0) > 0));
  return { reached: reached.filter(Boolean).length, of: length };
}

function addUp(sum: readonly Share[] | undefined, shares: readonly Share[]): Share[] {
  return shares.map(({ reached, of }, index) => ({
    reached: reached + (sum?.[index]?.reached ?? 0),
    of: of + (sum?.[index]?.of ?? 0),
  }));
}

function percent({ reached, of }: Share): string {
  return `${of === 0 ? "-" : ((100 * reached) / of).toFixed(1)} %`.padStart(9);
}
