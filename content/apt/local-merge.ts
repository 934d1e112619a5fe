import { ExplainedError } from "../../errors/explained-error.ts";
import type { Candidate } from "./dependencies.ts";
import type { IndexedPackage } from "./packages.ts";
import { compareVersions } from "./version.ts";

/* The site's own packages among upstream's. */

/** A package of the site's own. */
export interface LocalPackage extends Candidate {
  /** Its control file, as it stands in the package. */
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
  /** Of the index. */
  readonly architecture: string;
  readonly found: IndexedPackage;
}

/**
 * What upstream offers beside the site's own packages. reprepro takes the newest of a name in each index, wherever it is
 * from: so must the plan.
 *
 * @throws ExplainedError for a package that would not be taken, or not alone
 */
export function withLocals(
  offered: readonly Offered[],
  locals: readonly LocalPackage[],
  home: Pick<Offered, "suite" | "component">,
  architectures: readonly string[],
): { readonly offered: readonly Offered[]; readonly outranked: readonly string[] } {
  const byName = new Map<string, LocalPackage[]>();
  for (const local of locals) {
    if (local.architecture !== "all" && !architectures.includes(local.architecture)) {
      throw refusedLocal(
        local,
        `it is for ${local.architecture}, and the mirror is for ${architectures.join(", ")}`,
        "Leave it out, or add its architecture to the mirror.",
      );
    }
    const others = byName.get(local.name) ?? [];
    const twin = others.find((other) => meet(other.architecture, local.architecture));
    if (twin) {
      throw refusedLocal(
        local,
        `${twin.name} ${twin.version} is named too`,
        "Name one version of a package.",
      );
    }
    byName.set(local.name, [...others, local]);
  }
  const outranked: string[] = [];
  const kept = offered.filter(({ suite, component, architecture, found }) => {
    const local = byName.get(found.name)?.find((own) => meet(own.architecture, architecture));
    if (!local) return true;
    const order = compareVersions(local.version, found.version);
    if (suite !== home.suite || component !== home.component) {
      if (order <= 0) outranked.push(`${local.name} ${local.version} (${suite} has ${found.version})`);
      return true;
    }
    if (order > 0) return false;
    throw refusedLocal(
      local,
      `upstream's ${found.version} in ${suite}/${component} is ${order === 0 ? "of the same version" : "newer"}, and would be taken in its place`,
      `Give it a higher version, such as ${found.version}+local1, or name ${found.name} in filter.exclude.`,
    );
  });
  return { offered: kept, outranked: [...new Set(outranked)] };
}

/** Whether packages of these architectures can stand in one index. */
function meet(one: string, other: string): boolean {
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

/** What of a package decides where reprepro keeps it: checked values only. */
type Kept = Pick<LocalPackage, "name" | "version" | "architecture" | "source">;

/** Where reprepro keeps a package: by the name of its source (Debian Policy's pool layout). */
export function poolPath({ name, version, architecture, source }: Kept, component: string): string {
  // Joined, not put together piece by piece: V8 would keep all the pieces.
  const file = [name, version.replace(/^\d+:/, ""), `${architecture}.deb`].join("_");
  return [poolDirectory(source, component), file].join("/");
}

/** Where reprepro keeps what is made of a source package. */
export function poolDirectory(source: string, component: string): string {
  const prefix = /^lib./.test(source) ? source.slice(0, 4) : source.slice(0, 1);
  return `pool/${component}/${prefix}/${source}`;
}
