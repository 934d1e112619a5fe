import { ExplainedError } from "../../errors/explained-error.ts";
import { type RejectedStanza, refuseRejected } from "./packages.ts";
import type { PlanPackage, PlanRow } from "./plan-row.ts";
import { compareVersions } from "./version.ts";

/* Checks whether reprepro can sign a selection, before anything is fetched. */

/** A file for reprepro. */
type Taken = PlanRow & { readonly package: PlanPackage };

/** The files for reprepro, by the paths at which it stores them. */
export class ReproPool {
  readonly #places = new Map<string, Taken>();
  /** Why it refuses a package, once per name. */
  readonly #unfit = new Map<string, { readonly found: PlanPackage; readonly why: string }>();
  #refused: ExplainedError | undefined;

  /**
   * @param place Where reprepro will store the file.
   * @param unfit Why reprepro will refuse it.
   */
  take(place: string, taken: Taken, unfit: string | undefined): void {
    const { path, size, sha256, package: found } = taken;
    if (unfit && !this.#unfit.has(found.name)) this.#unfit.set(found.name, { found, why: unfit });
    const other = this.#places.get(place);
    if (other && (other.sha256 !== sha256 || other.size !== size)) {
      this.#refused ??= refusal(
        `${found.name} ${other.package.version} of ${other.package.suite} and ${found.name} ${found.version} of ${found.suite} are different packages, but reprepro stores both as ${place}`,
        [found.name],
      );
    }
    // Upstream's path is mostly the same: one string for both.
    this.#places.set(place === path ? path : place, taken);
  }

  at(place: string): Taken | undefined {
    return this.#places.get(place);
  }

  /**
   * Refuses packages that reprepro would refuse.
   *
   * @throws ExplainedError that names the packages, and how to exclude them.
   */
  refuseUnfit(): void {
    const [first] = this.#unfit.values();
    if (first) {
      const { found, why } = first;
      const names = [...this.#unfit.keys()];
      throw refusal(
        `reprepro refuses ${found.name} ${found.version} (${found.suite}/${found.component}): ${why}${
          names.length > 1
            ? `, and also ${names.slice(1, 6).join(", ")}${names.length > 6 ? " and others" : ""}`
            : ""
        }`,
        names,
      );
    }
    if (this.#refused) throw this.#refused;
  }
}

function refusal(found: string, names: readonly string[]): ExplainedError {
  const list = names.slice(0, 6).join(", ");
  return new ExplainedError({
    step: "selecting packages",
    found,
    remedy: `Exclude ${names.length > 1 ? "them" : "it"} (filter.exclude: [${list}${names.length > 6 ? ", ..." : ""}]), or mirror the archive with signing "upstream", which publishes it unchanged.`,
    values: ["filter.exclude", "signing"],
  });
}

/** Determines whether an invalid stanza of an index matters. */
interface Wanted {
  /** Whether a name is selected. */
  readonly includes: (name: string) => boolean;
  /** Whether all names are selected, including stanzas without a name. */
  readonly all: boolean;
  /** Whether a name is never selected. */
  readonly excludes: (name: string) => boolean;
  /** The selected version of a name. */
  readonly versionOf: (name: string) => string | undefined;
}

/**
 * Refuses invalid stanzas of selected packages. Other invalid stanzas are ignored, as are older versions of a package
 * with a valid newer one.
 *
 * @throws ExplainedError that names the package.
 */
export function refuseRejectedSelection(
  odd: readonly RejectedStanza[],
  { includes: takes, all, excludes: leavesOut, versionOf }: Wanted,
): void {
  const found = odd.filter(({ names, version }) => {
    if (names.length === 0) return all;
    if (names.every(leavesOut)) return false;
    const [name = ""] = names;
    const other = names.length === 1 ? versionOf(name) : undefined;
    if (other !== undefined && version !== undefined && compareVersions(other, version) > 0) return false;
    return all || names.some(takes);
  });
  if (found.length === 0) return;
  const nameable = (name: string) => /^[A-Za-z0-9_][A-Za-z0-9_~+.-]*$/.test(name);
  const names = [...new Set(found.flatMap((one) => one.names))].filter(nameable).slice(0, 6);
  throw refuseRejected(
    found,
    names.length > 0
      ? `Exclude it (filter.exclude: [${names.join(", ")}]), ask the operator of the archive, or use another mirror of it.`
      : "List the wanted packages in filter.include, ask the operator of the archive, or use another mirror of it.",
  );
}
