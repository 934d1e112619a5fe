import { collectGarbage } from "../collect.ts";
import type { Archive } from "./archive.ts";
import { type Candidate, type Closure, closureOf, parseRelations } from "./dependencies.ts";
import { matcher, type PackageFilter, refuseUnmatched, selects } from "./filter.ts";
import { indexKey } from "./index-key.ts";
import {
  type LocalPackage,
  poolDirectory,
  poolPath,
  refusedLocal,
  withLocalPackages,
} from "./local-merge.ts";
import type { IndexedPackage, SourceFile } from "./packages.ts";
import { makePlan, type Plan, rowOf } from "./plan.ts";
import type { PlanRow } from "./plan-row.ts";
import { ReproPool, refuseRejectedSelection } from "./reprepro-pool.ts";
import { compareVersions } from "./version.ts";

export interface MirrorSignedPlan extends Plan {
  readonly alternatives: Closure["alternatives"];
  readonly missing: Closure["missing"];
  /**
   * Local packages for which clients install upstream's newer version instead, e.g. `bc 1.0 (noble-updates has 1.1)`.
   */
  readonly outranked: readonly string[];
  /** Package names per suite, component and architecture (of the index), for the tool that signs them. */
  readonly selection: Readonly<Record<string, readonly string[]>>;
}

/**
 * The packages of a mirror with its own signature: in each suite the newest version of every selected name. Local
 * packages are added to the first component of the first suite.
 *
 * @throws ExplainedError when a name or pattern of `include` matches nothing, or a local package cannot be used.
 */
export function planMirrorSigned(
  archive: Archive,
  filter: PackageFilter = {},
  localPackages: readonly LocalPackage[] = [],
): MirrorSignedPlan {
  // The memory for choosing is free again when the plan is made.
  const { rows, ...chosen } = choose(archive, filter, localPackages);
  collectGarbage();
  return { ...makePlan(archive, rows), ...chosen };
}

function choose(
  archive: Archive,
  filter: PackageFilter,
  localPackages: readonly LocalPackage[],
): Omit<MirrorSignedPlan, keyof Plan> & Pick<Plan, "rows"> {
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

  const localIndex = {
    suite: archive.suites[0]?.name ?? "",
    component: archive.suites[0]?.indices[0]?.component ?? "",
  };
  const { offered, outranked } = withLocalPackages(
    upstreams,
    localPackages,
    localIndex,
    archive.architectures,
  );

  const all = !selects(filter);
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
  // Only for names that also occur in an invalid stanza.
  const oddNames = new Set(
    archive.suites.flatMap(({ indices }) => indices.flatMap(({ odd }) => odd.flatMap(({ names }) => names))),
  );
  const versions = new Map<string, string>();
  const kept = new ReproPool();
  const take = (place: string, row: ReturnType<typeof rowOf>, unfit: string | undefined) => {
    rows.push(row);
    kept.take(place, row, unfit);
  };
  for (const { suite, component, architecture, found } of offered) {
    if (!taken(found.name, architecture)) continue;
    take(poolPath(found, component), rowOf(suite, component, found), found.unfit);
    const key = indexKey({ suite, component, architecture });
    const names = selection.get(key) ?? new Set();
    selection.set(key, names.add(found.name));
    if (oddNames.has(found.name)) versions.set(`${key} ${found.name}`, found.version);
    if (archive.extras.sources) sourceNames.add(found.source);
  }
  // A missing dependency may exist in an invalid stanza.
  const unsatisfied = new Set(
    missing.flatMap(({ needs }) => parseRelations(needs).flat()).map(({ name }) => name),
  );
  const included = matcher(filter.include ?? []);
  const leavesOut = (name: string) =>
    excluded(name) || (!archive.extras.debugPackages && !named.has(name) && isDebugName.test(name));
  for (const suite of archive.suites) {
    for (const { kind, component, architecture, packages, sources, odd } of suite.indices) {
      const key = indexKey({ suite: suite.name, component, architecture });
      const isTaken = (name: string) => taken(name, architecture) || included(name) || unsatisfied.has(name);
      if (kind === "packages") {
        refuseRejectedSelection(odd, {
          includes: isTaken,
          all,
          excludes: leavesOut,
          versionOf: (name) => versions.get(`${key} ${name}`),
        });
      } else if (kind === "installer") {
        refuseRejectedSelection(odd, {
          includes: () => true,
          all: true,
          excludes: () => false,
          versionOf: () => undefined,
        });
        for (const found of newest(packages)) {
          const place = poolPath(found, component).replace(/deb$/, "udeb");
          take(place, rowOf(suite.name, component, found), found.unfit);
        }
      } else {
        const takes = (name: string) => sourceNames.has(name);
        refuseRejectedSelection(odd, {
          includes: takes,
          all,
          excludes: () => false,
          versionOf: () => undefined,
        });
      }
      for (const found of newestSources(sources)) {
        if (!all && !sourceNames.has(found.name)) continue;
        const place = `${poolDirectory(found.name, component)}/${found.path.replace(/^.*\//, "")}`;
        take(place, rowOf(suite.name, component, { ...found, architecture: "source" }), found.unfit);
      }
    }
  }
  kept.refuseUnfit();
  for (const local of localPackages) {
    const path = poolPath(local, localIndex.component);
    const other = kept.at(path);
    if (other && (other.sha256 !== local.sha256 || other.size !== local.size)) {
      throw refusedLocal(
        local,
        `${other.package.suite} has different content at ${path}`,
        "Give it another version.",
      );
    }
    rows.push(rowOf(localIndex.suite, localIndex.component, { ...local, path }));
  }
  return {
    rows,
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

function newest(packages: readonly IndexedPackage[]): IndexedPackage[] {
  const best = new Map<string, IndexedPackage>();
  for (const found of packages) {
    const other = best.get(found.name);
    if (!other || compareVersions(found.version, other.version) > 0) best.set(found.name, found);
  }
  return [...best.values()];
}

/** All files of the newest version of each source package. */
function newestSources(files: readonly SourceFile[]): SourceFile[] {
  const best = new Map<string, string>();
  for (const { name, version } of files) {
    const other = best.get(name);
    if (other === undefined || compareVersions(version, other) > 0) best.set(name, version);
  }
  return files.filter(({ name, version }) => best.get(name) === version);
}
