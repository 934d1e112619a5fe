import { ExplainedError } from "../../errors/explained-error.ts";
import type { Candidate } from "./dependencies.ts";
import type { IndexedPackage } from "./packages.ts";
import { compareVersions } from "./version.ts";

/* Merges local packages with upstream's. */

/** A local package of the site. */
export interface LocalPackage extends Candidate {
  /** Its control file, unchanged. */
  readonly control: string;
  /** Name of its source package. */
  readonly source: string;
  readonly size: number;
  readonly sha256: string;
}

/** A package in an index of a suite. */
interface Offered {
  readonly suite: string;
  readonly component: string;
  /** Architecture of the index. */
  readonly architecture: string;
  readonly found: IndexedPackage;
}

/**
 * Upstream's packages together with the local ones. reprepro takes the newest version of a name in each index,
 * wherever it is from, so the plan must do the same.
 *
 * @throws ExplainedError for a local package that would not be used, or not alone.
 */
export function withLocalPackages(
  offered: readonly Offered[],
  locals: readonly LocalPackage[],
  localIndex: Pick<Offered, "suite" | "component">,
  architectures: readonly string[],
): { readonly offered: readonly Offered[]; readonly outranked: readonly string[] } {
  const byName = new Map<string, LocalPackage[]>();
  for (const local of locals) {
    if (local.architecture !== "all" && !architectures.includes(local.architecture)) {
      throw refusedLocal(
        local,
        `it is for ${local.architecture}, but the mirror is for ${architectures.join(", ")}`,
        "Remove it, or add its architecture to the mirror.",
      );
    }
    const others = byName.get(local.name) ?? [];
    const duplicate = others.find((other) => shareAnIndex(other.architecture, local.architecture));
    if (duplicate) {
      throw refusedLocal(
        local,
        `${duplicate.name} ${duplicate.version} is listed too`,
        "List one version of each package.",
      );
    }
    byName.set(local.name, [...others, local]);
  }
  const outranked: string[] = [];
  const kept = offered.filter(({ suite, component, architecture, found }) => {
    const local = byName.get(found.name)?.find((own) => shareAnIndex(own.architecture, architecture));
    if (!local) return true;
    const order = compareVersions(local.version, found.version);
    if (suite !== localIndex.suite || component !== localIndex.component) {
      if (order <= 0) outranked.push(`${local.name} ${local.version} (${suite} has ${found.version})`);
      return true;
    }
    if (order > 0) return false;
    throw refusedLocal(
      local,
      `upstream's ${found.version} in ${suite}/${component} ${order === 0 ? "has the same version" : "is newer"} and would be used instead`,
      `Give it a higher version, such as ${found.version}+local1, or list ${found.name} in filter.exclude.`,
    );
  });
  return { offered: kept, outranked: [...new Set(outranked)] };
}

/** Whether packages of these architectures can be in one index. */
function shareAnIndex(one: string, other: string): boolean {
  return one === other || one === "all" || other === "all";
}

export function refusedLocal(
  { name, version, architecture }: Pick<LocalPackage, "name" | "version" | "architecture">,
  found: string,
  remedy: string,
) {
  return new ExplainedError({
    step: `adding the local package ${name} ${version} (${architecture})`,
    found,
    remedy,
    values: ["localPackages"],
  });
}

/** The values that determine where reprepro stores a package; they must be checked. */
type Kept = Pick<LocalPackage, "name" | "version" | "architecture" | "source">;

/** Where reprepro stores a package: by the name of its source (Debian Policy's pool layout). */
export function poolPath({ name, version, architecture, source }: Kept, component: string): string {
  // Joined at once: with concatenation V8 would keep all the pieces.
  const file = [name, version.replace(/^\d+:/, ""), `${architecture}.deb`].join("_");
  return [poolDirectory(source, component), file].join("/");
}

/** Where reprepro stores the packages of a source package. */
export function poolDirectory(source: string, component: string): string {
  const prefix = /^lib./.test(source) ? source.slice(0, 4) : source.slice(0, 1);
  return `pool/${component}/${prefix}/${source}`;
}
