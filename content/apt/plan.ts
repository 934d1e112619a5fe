import { ExplainedError } from "../../errors/explained-error.ts";
import { collectGarbage } from "../collect.ts";
import { fieldsOf } from "../text-lines.ts";
import type { Archive } from "./archive.ts";
import { refuseContradictions } from "./identities.ts";
import { refuseRejected } from "./packages.ts";
import {
  canonical,
  type Head,
  type Heads,
  hasControls,
  headsOf,
  lineOf,
  planDigest,
  rowFrom,
  title,
} from "./plan-lines.ts";
import type { PlanPackage, PlanRow } from "./plan-row.ts";

interface PlanSuite extends Head {
  /** Number of packages, counted by name and architecture. */
  readonly packages: number;
  /** Bytes of its packages. */
  readonly bytes: number;
}

/** The exact content of a mirror. */
export interface Plan {
  /** SHA-256 of the plan's text. */
  readonly digest: string;
  readonly suites: Readonly<Record<string, PlanSuite>>;
  readonly rows: readonly PlanRow[];
  /** Each path once, sorted. */
  readonly files: readonly PlanRow[];
  /** Number of different package files. */
  readonly packages: number;
  /** Bytes of all files; equal content counts once. */
  readonly bytes: number;
}

/** Everything that clients may request from an archive with upstream's signature. */
export function planUpstreamSigned(archive: Archive): Plan {
  const rows: PlanRow[] = [];
  for (const suite of archive.suites) {
    for (const { path, size, sha256 } of [...suite.roots, ...suite.files]) rows.push({ path, size, sha256 });
    for (const index of suite.indices) {
      if (index.odd.length > 0) {
        throw refuseRejected(
          index.odd,
          'Ask the operator of the archive, or use another mirror of it. A mirror with signing "mirror" and a filter without the package does not need it.',
        );
      }
      for (const found of index.packages) rows.push(rowOf(suite.name, index.component, found));
      for (const found of index.sources)
        rows.push(rowOf(suite.name, index.component, { ...found, architecture: "source" }));
    }
  }
  return makePlan(archive, rows);
}

/** The plan's row of a package's file. */
export function rowOf(
  suite: string,
  component: string,
  { path, size, sha256, architecture, name, version }: Omit<PlanPackage, "suite" | "component"> & PlanRow,
): PlanRow & { readonly package: PlanPackage } {
  return { path, size, sha256, package: { suite, component, architecture, name, version } };
}

/**
 * The plan of an archive's content.
 *
 * @throws ExplainedError if the archive contradicts itself.
 */
export function makePlan({ suites }: Pick<Archive, "suites">, rows: readonly PlanRow[]): Plan {
  const heads = new Map<string, Head>();
  for (const { name, release } of suites) {
    heads.set(name, { date: release.date.toISOString(), releaseSha256: release.sha256 });
  }
  // Indices are checked even if the mirror does not publish them.
  refuseContradictions([...suites.flatMap(({ roots, files }) => [...roots, ...files]), ...rows]);
  collectGarbage();
  return summarise(heads, rows);
}

/**
 * The plan as text, line by line, deterministic: a title, a line `suite NAME DATE SHA256` each, then sorted `sha256
 * size path`, followed by `suite component architecture name version` for a package.
 */
export function* planText({ suites, rows }: Pick<Plan, "suites" | "rows">): Generator<string> {
  for (const line of headsOf(new Map(Object.entries(suites)))) yield `${line}\n`;
  for (const row of rows) yield `${lineOf(row)}\n`;
}

/** The values in a plan's text. */
export interface WrittenPlan {
  readonly suites: Readonly<Record<string, Pick<PlanSuite, "date" | "releaseSha256">>>;
  readonly rows: readonly PlanRow[];
}

/**
 * Parses a text of `planText`.
 *
 * @throws ExplainedError for any other text.
 */
export function parsePlanText(text: string | Buffer): WrittenPlan {
  const lines = fieldsOf(text, " ");
  const first = (lines.next().value ?? []).join(" ");
  if (first !== title) {
    throw new ExplainedError({
      step: "reading a mirror's plan",
      found: `it begins with ${JSON.stringify(first.slice(0, 60))} instead of ${JSON.stringify(title)}`,
      remedy:
        "It was made by another release of this project, or is damaged: update the mirror to create it again.",
    });
  }
  const suites = new Map<string, Head>();
  const rows: PlanRow[] = [];
  for (const parts of lines) {
    const [word, name = "", date = "", releaseSha256 = ""] = parts;
    if (word === "suite" && !parts.some(hasControls)) suites.set(name, { date, releaseSha256 });
    else rows.push(rowFrom(parts));
  }
  return { suites: Object.fromEntries(suites), rows };
}

function summarise(heads: Heads, given: readonly PlanRow[]): Plan {
  const rows = canonical(given);
  const files = new Map<string, PlanRow>();
  const all = new Contents();
  const packageFiles = new Contents();
  const perSuite = new Map<string, { names: Map<string, Set<string>>; files: Contents }>();
  for (const row of rows) {
    files.set(row.path, row);
    all.add(row);
    if (!row.package) continue;
    packageFiles.add(row);
    const { suite, architecture, name } = row.package;
    const known = perSuite.get(suite) ?? { names: new Map(), files: new Contents() };
    perSuite.set(suite, known);
    const names = known.names.get(architecture) ?? new Set();
    known.names.set(architecture, names.add(name));
    known.files.add(row);
  }
  const suites = Object.fromEntries(
    [...heads].map(([name, head]) => {
      const known = perSuite.get(name);
      const packages = [...(known?.names.values() ?? [])].reduce((total, { size }) => total + size, 0);
      return [name, { ...head, packages, bytes: known?.files.bytes ?? 0 }];
    }),
  );
  return {
    digest: planDigest(heads, rows),
    suites,
    rows,
    files: [...files.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)),
    packages: packageFiles.count,
    bytes: all.bytes,
  };
}

/** Counts different contents of rows that are sorted by content: equal contents are adjacent. */
class Contents {
  count = 0;
  bytes = 0;
  #last = "";

  add({ sha256, size }: PlanRow): void {
    if (sha256 === this.#last) return;
    this.#last = sha256;
    this.count++;
    this.bytes += size;
  }
}
