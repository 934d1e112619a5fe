import { ExplainedError } from "../../errors/explained-error.ts";
import type { Archive } from "./archive.ts";
import { type Candidate, type Closure, closureOf, parseRelations } from "./dependencies.ts";
import { matcher, type PackageFilter, refuseUnmatched } from "./filter.ts";
import { refuseContradictions } from "./identities.ts";
import { indexKey } from "./index-key.ts";
import { type LocalPackage, poolDirectory, poolPath, refusedLocal, withLocals } from "./local-merge.ts";
import { type IndexedPackage, refuseOdd, type SourceFile } from "./packages.ts";
import { canonical, digestOf, type Head, type Heads, headsOf, lineOf, rowFrom, title } from "./plan-lines.ts";
import { refuseOddTaken, refuseUnfit, type Taken } from "./resigning.ts";
import { compareVersions } from "./version.ts";

/** A file of a plan, and the package it is, once for every suite that has it. */
export interface PlanRow {
  /** Below the archive's root. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly package?: PlanPackage;
}

export interface PlanPackage {
  readonly suite: string;
  readonly component: string;
  /** `all` and `source` too. */
  readonly architecture: string;
  readonly name: string;
  readonly version: string;
}

export interface PlanSuite {
  /** When upstream made it, ISO 8601. */
  readonly date: string;
  /** SHA-256 of the text that upstream signed. */
  readonly releaseSha256: string;
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

export interface ResignedPlan extends Plan {
  readonly alternatives: Closure["alternatives"];
  readonly missing: Closure["missing"];
  /** The site's own packages in the place of which clients install upstream's, e.g. `bc 1.0 (noble-updates has 1.1)`. */
  readonly outranked: readonly string[];
  /** Names per suite, component and architecture (of the index), as a re-signing tool takes them. */
  readonly selection: Readonly<Record<string, readonly string[]>>;
}

/** Everything that clients of upstream's own signature may ask for. */
export function planVerbatim(archive: Archive): Plan {
  const rows: PlanRow[] = [];
  for (const suite of archive.suites) {
    for (const { path, size, sha256 } of [...suite.roots, ...suite.files]) rows.push({ path, size, sha256 });
    for (const index of suite.indices) {
      if (index.odd.length > 0) {
        throw refuseOdd(
          index.odd,
          'Ask those who run the archive, or use another mirror of it. A mirror with mode "resigned" and a filter that does not take the package can do without.',
        );
      }
      for (const found of index.packages) rows.push(rowOf(suite.name, index.component, found));
      for (const { path, size, sha256, name, version } of index.sources) {
        const source = {
          suite: suite.name,
          component: index.component,
          architecture: "source",
          name,
          version,
        };
        rows.push({ path, size, sha256, package: source });
      }
    }
  }
  return makePlan(archive, rows);
}

/**
 * The packages that a re-signed mirror takes: in each suite the newest version of every selected name. The site's own
 * join the first component of the first suite.
 *
 * @throws ExplainedError when a name or pattern of `include` matches nothing, when a package of the site's own could not
 * be taken.
 */
export function planResigned(
  archive: Archive,
  filter: PackageFilter = {},
  localPackages: readonly LocalPackage[] = [],
): ResignedPlan {
  const excluded = matcher(filter.exclude ?? []);
  const named = new Set(filter.include ?? []);
  const debug = ({ name, section }: IndexedPackage) =>
    !archive.extras.debugPackages && !named.has(name) && (section === "debug" || isDebugName.test(name));
  const upstreams = archive.suites.flatMap((suite) =>
    suite.indices
      .filter((index) => index.kind === "packages")
      .flatMap(({ component, architecture, packages }) =>
        newest(packages.filter((found) => !excluded(found.name) && !debug(found))).map((found) => ({
          suite: suite.name,
          component,
          architecture,
          found,
        })),
      ),
  );

  const home = {
    suite: archive.suites[0]?.name ?? "",
    component: archive.suites[0]?.indices[0]?.component ?? "",
  };
  const { offered, outranked } = withLocals(upstreams, localPackages, home, archive.architectures);

  const all = !filter.include?.length && !filter.sections?.length;
  const alternatives: Closure["alternatives"][number][] = [];
  const missing: Closure["missing"][number][] = [];
  let taken: (name: string, architecture: string) => boolean = () => true;
  if (!all) {
    const included = matcher(filter.include ?? []);
    const sections = new Set((filter.sections ?? []).map((section) => section.replace(/^.*\//, "")));
    const odd = archive.suites.flatMap(({ indices }) => indices.flatMap((index) => index.odd));
    refuseUnmatched(
      filter,
      new Set([
        ...offered.map(({ found }) => found.name),
        ...localPackages.map(({ name }) => name),
        ...odd.flatMap(({ names }) => names),
      ]),
      new Set(offered.map(({ found }) => found.section)),
    );
    const roots = new Set(localPackages.map(({ name }) => name));
    for (const { found } of offered) {
      if (included(found.name) || sections.has(found.section)) roots.add(found.name);
    }
    const chosen = new Map<string, Set<string>>();
    for (const architecture of archive.architectures) {
      const closure =
        filter.withDependencies === false
          ? { names: [...roots], alternatives: [], missing: [] }
          : closureOf(roots, candidates(), architecture, filter.withRecommends ?? true);
      chosen.set(architecture, new Set(closure.names));
      alternatives.push(...closure.alternatives);
      missing.push(...closure.missing);
    }
    const anywhere = new Set([...chosen.values()].flatMap((names) => [...names]));
    taken = (name, architecture) => (chosen.get(architecture) ?? anywhere).has(name);
  }

  const rows: PlanRow[] = [];
  const selection = new Map<string, Set<string>>();
  const sourceNames = new Set<string>();
  const versions = new Map<string, string>();
  const kept: Taken[] = [];
  for (const { suite, component, architecture, found } of offered) {
    if (!taken(found.name, architecture)) continue;
    rows.push(rowOf(suite, component, found));
    kept.push({ ...keptOf(suite, component, found), kept: poolPath(found, component) });
    const key = indexKey({ suite, component, architecture });
    const names = selection.get(key) ?? new Set();
    selection.set(key, names.add(found.name));
    versions.set(`${key} ${found.name}`, found.version);
    if (archive.extras.sources) sourceNames.add(found.source);
  }
  // What nothing satisfies may be there, and odd.
  const wanting = new Set(
    missing.flatMap(({ needs }) => parseRelations(needs).flat()).map(({ name }) => name),
  );
  const included = matcher(filter.include ?? []);
  const leavesOut = (name: string) =>
    excluded(name) || (!archive.extras.debugPackages && !named.has(name) && isDebugName.test(name));
  for (const suite of archive.suites) {
    for (const { kind, component, architecture, packages, sources, odd } of suite.indices) {
      const key = indexKey({ suite: suite.name, component, architecture });
      const isTaken = (name: string) => taken(name, architecture) || included(name) || wanting.has(name);
      if (kind === "packages") {
        refuseOddTaken(odd, {
          takes: isTaken,
          all,
          leavesOut,
          versionOf: (name) => versions.get(`${key} ${name}`),
        });
      } else if (kind === "installer") {
        refuseOddTaken(odd, {
          takes: () => true,
          all: true,
          leavesOut: () => false,
          versionOf: () => undefined,
        });
        for (const found of newest(packages)) {
          rows.push(rowOf(suite.name, component, found));
          kept.push({
            ...keptOf(suite.name, component, found),
            kept: poolPath(found, component).replace(/deb$/, "udeb"),
          });
        }
      } else {
        const takes = (name: string) => sourceNames.has(name);
        refuseOddTaken(odd, { takes, all, leavesOut: () => false, versionOf: () => undefined });
      }
      for (const found of newestSources(sources)) {
        if (!all && !sourceNames.has(found.name)) continue;
        const { path, size, sha256, name, version } = found;
        rows.push({
          path,
          size,
          sha256,
          package: { suite: suite.name, component, architecture: "source", name, version },
        });
        const place = `${poolDirectory(name, component)}/${path.replace(/^.*\//, "")}`;
        kept.push({ ...keptOf(suite.name, component, found), kept: place });
      }
    }
  }
  refuseUnfit(kept);
  const places = new Map(kept.map((one) => [one.kept, one]));
  for (const local of localPackages) {
    const path = poolPath(local, home.component);
    const other = places.get(path);
    if (other && (other.sha256 !== local.sha256 || other.size !== local.size)) {
      throw refusedLocal(
        local,
        `${other.suite} has other contents under the name ${path}`,
        "Give it a version of its own.",
      );
    }
    rows.push(rowOf(home.suite, home.component, { ...local, path }));
  }
  return {
    ...makePlan(archive, rows),
    alternatives,
    missing,
    outranked,
    selection: Object.fromEntries([...selection].map(([key, names]) => [key, [...names].sort()])),
  };

  function* candidates(): Generator<Candidate> {
    for (const { found } of offered) yield found;
    yield* localPackages;
  }
}

const isDebugName = /-dbg(sym)?$/;

function keptOf(
  suite: string,
  component: string,
  { name, version, size, sha256, unfit }: Omit<Taken, "suite" | "component" | "kept">,
): Omit<Taken, "kept"> {
  return { suite, component, name, version, size, sha256, unfit };
}

function newest(packages: readonly IndexedPackage[]): IndexedPackage[] {
  const best = new Map<string, IndexedPackage>();
  for (const found of packages) {
    const other = best.get(found.name);
    if (!other || compareVersions(found.version, other.version) > 0) best.set(found.name, found);
  }
  return [...best.values()];
}

/** All files of the newest version of each. */
function newestSources(files: readonly SourceFile[]): SourceFile[] {
  const best = new Map<string, string>();
  for (const { name, version } of files) {
    const other = best.get(name);
    if (other === undefined || compareVersions(version, other) > 0) best.set(name, version);
  }
  return files.filter(({ name, version }) => best.get(name) === version);
}

function rowOf(
  suite: string,
  component: string,
  { path, size, sha256, architecture, name, version }: Omit<PlanPackage, "suite" | "component"> & PlanRow,
): PlanRow {
  return { path, size, sha256, package: { suite, component, architecture, name, version } };
}

function makePlan({ suites }: Pick<Archive, "suites">, rows: readonly PlanRow[]): Plan {
  const heads = new Map<string, Head>();
  for (const { name, release } of suites) {
    heads.set(name, { date: release.date.toISOString(), releaseSha256: release.sha256 });
  }
  // Indices are read whatever becomes of them.
  refuseContradictions([...suites.flatMap(({ roots, files }) => [...roots, ...files]), ...rows]);
  return summarise(heads, rows);
}

/**
 * The plan as text, the same for the same content: a title, a line `suite NAME DATE SHA256` each, then
 * sorted `sha256 size path`, followed by `suite component architecture name version` for a package.
 */
export function planText({ suites, rows }: Pick<Plan, "suites" | "rows">): string {
  return `${[...headsOf(new Map(Object.entries(suites))), ...rows.map(lineOf)].join("\n")}\n`;
}

/** The plan of a text that `planText` made. */
export function parsePlanText(text: string): Plan {
  const [first, ...lines] = text.trimEnd().split("\n");
  if (first !== title) {
    throw new ExplainedError({
      step: "reading a mirror's plan",
      found: `it begins with ${JSON.stringify((first ?? "").slice(0, 60))} instead of ${JSON.stringify(title)}`,
      remedy:
        "It was made by another release of this project, or damaged: update the mirror to make it anew.",
    });
  }
  const suites = new Map<string, Head>();
  const rest: string[] = [];
  for (const line of lines) {
    const [word, name = "", date = "", releaseSha256 = ""] = line.split(" ");
    if (word === "suite" && !/[\x00-\x1f\x7f]/.test(line)) suites.set(name, { date, releaseSha256 });
    else rest.push(line);
  }
  return summarise(suites, rest.map(rowFrom));
}

function summarise(heads: Heads, given: readonly PlanRow[]): Plan {
  const rows = canonical(given);
  const files = new Map<string, PlanRow>();
  const contents = new Map<string, number>();
  const packageFiles = new Set<string>();
  const perSuite = new Map<string, { names: Set<string>; files: Map<string, number> }>();
  for (const row of rows) {
    files.set(row.path, row);
    contents.set(row.sha256, row.size);
    if (!row.package) continue;
    packageFiles.add(row.sha256);
    const { suite, architecture, name } = row.package;
    const known = perSuite.get(suite) ?? { names: new Set(), files: new Map() };
    perSuite.set(suite, known);
    known.names.add(`${name} ${architecture}`);
    known.files.set(row.sha256, row.size);
  }
  const suites = Object.fromEntries(
    [...heads].map(([name, head]) => {
      const known = perSuite.get(name);
      return [name, { ...head, packages: known?.names.size ?? 0, bytes: sum(known?.files.values() ?? []) }];
    }),
  );
  return {
    digest: digestOf(heads, rows),
    suites,
    rows,
    files: [...files.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)),
    packages: packageFiles.size,
    bytes: sum(contents.values()),
  };
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
