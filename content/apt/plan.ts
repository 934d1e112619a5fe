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
  /** Names and architectures. */
  readonly packages: number;
  /** Bytes of its packages. */
  readonly bytes: number;
}

/** Exactly what a mirror is to hold. */
export interface Plan {
  /** SHA-256 of the plan's text. */
  readonly digest: string;
  readonly suites: Readonly<Record<string, PlanSuite>>;
  readonly rows: readonly PlanRow[];
  /** Each path once, sorted. */
  readonly files: readonly PlanRow[];
  /** Different package files. */
  readonly packages: number;
  /** Bytes of all files; those of one content count once. */
  readonly bytes: number;
}

/** Everything that clients of upstream's own signature may ask for. */
export function planUpstreamSigned(archive: Archive): Plan {
  const rows: PlanRow[] = [];
  for (const suite of archive.suites) {
    for (const { path, size, sha256 } of [...suite.roots, ...suite.files]) rows.push({ path, size, sha256 });
    for (const index of suite.indices) {
      if (index.odd.length > 0) {
        throw refuseRejected(
          index.odd,
          'Ask those who run the archive, or use another mirror of it. A mirror with signing "mirror" and a filter that does not take the package can do without.',
        );
      }
      for (const found of index.packages) rows.push(rowOf(suite.name, index.component, found));
      for (const found of index.sources)
        rows.push(rowOf(suite.name, index.component, { ...found, architecture: "source" }));
    }
  }
  return makePlan(archive, rows);
}

/** A package's file in a plan. */
export function rowOf(
  suite: string,
  component: string,
  { path, size, sha256, architecture, name, version }: Omit<PlanPackage, "suite" | "component"> & PlanRow,
): PlanRow & { readonly package: PlanPackage } {
  return { path, size, sha256, package: { suite, component, architecture, name, version } };
}

/**
 * A plan of what an archive has.
 *
 * @throws ExplainedError where it contradicts itself
 */
export function makePlan({ suites }: Pick<Archive, "suites">, rows: readonly PlanRow[]): Plan {
  const heads = new Map<string, Head>();
  for (const { name, release } of suites) {
    heads.set(name, { date: release.date.toISOString(), releaseSha256: release.sha256 });
  }
  // Indices are read whatever becomes of them.
  refuseContradictions([...suites.flatMap(({ roots, files }) => [...roots, ...files]), ...rows]);
  collectGarbage();
  return summarise(heads, rows);
}

/**
 * The plan as text, line by line, the same for the same content: a title, a line `suite NAME DATE SHA256` each, then
 * sorted `sha256 size path`, followed by `suite component architecture name version` for a package.
 */
export function* planText({ suites, rows }: Pick<Plan, "suites" | "rows">): Generator<string> {
  for (const line of headsOf(new Map(Object.entries(suites)))) yield `${line}\n`;
  for (const row of rows) yield `${lineOf(row)}\n`;
}

/** What a plan's text says of it. */
export interface WrittenPlan {
  readonly suites: Readonly<Record<string, Pick<PlanSuite, "date" | "releaseSha256">>>;
  readonly rows: readonly PlanRow[];
}

/**
 * What a text says that `planText` made.
 *
 * @throws ExplainedError for what is no such text
 */
export function parsePlanText(text: string | Buffer): WrittenPlan {
  const lines = fieldsOf(text, " ");
  const first = (lines.next().value ?? []).join(" ");
  if (first !== title) {
    throw new ExplainedError({
      step: "reading a mirror's plan",
      found: `it begins with ${JSON.stringify(first.slice(0, 60))} instead of ${JSON.stringify(title)}`,
      remedy:
        "It was made by another release of this project, or damaged: update the mirror to make it anew.",
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

/** Different contents of rows that come sorted by content: those of one are beside each other. */
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
