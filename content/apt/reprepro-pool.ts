import { ExplainedError } from "../../errors/explained-error.ts";
import { type RejectedStanza, refuseRejected } from "./packages.ts";
import type { PlanPackage, PlanRow } from "./plan-row.ts";
import { compareVersions } from "./version.ts";

/* What of a selection cannot be signed anew: found before anything is fetched, not by reprepro on the host. */

/** A file that reprepro is to take. */
type Taken = PlanRow & { readonly package: PlanPackage };

/** What reprepro is to keep, by the places that it gives to files. */
export class ReproPool {
  readonly #places = new Map<string, Taken>();
  /** Why it does not take one, once a name. */
  readonly #unfit = new Map<string, { readonly found: PlanPackage; readonly why: string }>();
  #refused: ExplainedError | undefined;

  /**
   * @param place where reprepro will keep the file
   * @param unfit why reprepro will not take it
   */
  take(place: string, taken: Taken, unfit: string | undefined): void {
    const { path, size, sha256, package: found } = taken;
    if (unfit && !this.#unfit.has(found.name)) this.#unfit.set(found.name, { found, why: unfit });
    const other = this.#places.get(place);
    if (other && (other.sha256 !== sha256 || other.size !== size)) {
      this.#refused ??= refusal(
        `${found.name} ${other.package.version} of ${other.package.suite} and ${found.name} ${found.version} of ${found.suite} are different packages, and reprepro keeps both as ${place}`,
        [found.name],
      );
    }
    // Upstream mostly keeps it at the same place: one string for both.
    this.#places.set(place === path ? path : place, taken);
  }

  at(place: string): Taken | undefined {
    return this.#places.get(place);
  }

  /**
   * Refuses what reprepro would not take.
   *
   * @throws ExplainedError that names the packages, and says how to do without them
   */
  refuseUnfit(): void {
    const [first] = this.#unfit.values();
    if (first) {
      const { found, why } = first;
      const names = [...this.#unfit.keys()];
      throw refusal(
        `reprepro does not take ${found.name} ${found.version} (${found.suite}/${found.component}): ${why}${
          names.length > 1
            ? `, nor ${names.slice(1, 6).join(", ")}${names.length > 6 ? " and others" : ""}`
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
    remedy: `Leave ${names.length > 1 ? "them" : "it"} out (filter.exclude: [${list}${names.length > 6 ? ", ..." : ""}]), or mirror the archive with signing "upstream", which passes on what upstream has.`,
    values: ["filter.exclude", "signing"],
  });
}

/** What decides whether an odd stanza of an index matters. */
interface Wanted {
  /** Whether a name is selected. */
  readonly takes: (name: string) => boolean;
  /** Whether all are, those without a name too. */
  readonly all: boolean;
  /** Whether a name is never selected. */
  readonly leavesOut: (name: string) => boolean;
  /** The version that is taken of a name. */
  readonly versionOf: (name: string) => string | undefined;
}

/**
 * Refuses odd stanzas of packages that are selected; all others stop nothing, nor does an older version of what is
 * there as it should be.
 *
 * @throws ExplainedError that names the package
 */
export function refuseRejectedSelection(
  odd: readonly RejectedStanza[],
  { takes, all, leavesOut, versionOf }: Wanted,
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
      ? `Leave it out (filter.exclude: [${names.join(", ")}]), ask those who run the archive, or use another mirror of it.`
      : "Say in filter.include what to take, ask those who run the archive, or use another mirror of it.",
  );
}
