import { ExplainedError } from "../../errors/explained-error.ts";
import { type IndexedPackage, type OddStanza, refuseOdd } from "./packages.ts";
import { compareVersions } from "./version.ts";

/* What of a selection cannot be signed anew: found before anything is fetched, not by reprepro on the host. */

/** A file that reprepro is to take. */
interface Taken {
  readonly suite: string;
  readonly component: string;
  readonly found: Named;
}

type Named = Pick<IndexedPackage, "name" | "version" | "path" | "size" | "sha256"> & {
  readonly unfit?: string | undefined;
};

/** What reprepro is to keep, by the places that it gives to files. */
export class ReproPool {
  readonly #places = new Map<string, Taken>();
  /** What it does not take, once a name. */
  readonly #unfit = new Map<string, Taken>();
  #refused: ExplainedError | undefined;

  /** @param place where reprepro will keep the file */
  take(place: string, suite: string, component: string, found: Named): void {
    const taken = { suite, component, found };
    if (found.unfit && !this.#unfit.has(found.name)) this.#unfit.set(found.name, taken);
    const other = this.#places.get(place);
    if (other && (other.found.sha256 !== found.sha256 || other.found.size !== found.size)) {
      this.#refused ??= refusal(
        `${found.name} ${other.found.version} of ${other.suite} and ${found.name} ${found.version} of ${suite} are different packages, and reprepro keeps both as ${place}`,
        [found.name],
      );
    }
    // Upstream mostly keeps it at the same place: one string for both.
    this.#places.set(place === found.path ? found.path : place, taken);
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
      const { suite, component, found } = first;
      const names = [...this.#unfit.keys()];
      throw refusal(
        `reprepro does not take ${found.name} ${found.version} (${suite}/${component}): ${found.unfit}${
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
    remedy: `Leave ${names.length > 1 ? "them" : "it"} out (filter.exclude: [${list}${names.length > 6 ? ", ..." : ""}]), or mirror the archive with mode "verbatim", which passes on what upstream has.`,
    values: ["filter.exclude", "mode"],
  });
}

/** What decides whether an odd stanza of an index matters. */
export interface Wanted {
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
export function refuseOddTaken(
  odd: readonly OddStanza[],
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
  throw refuseOdd(
    found,
    names.length > 0
      ? `Leave it out (filter.exclude: [${names.join(", ")}]), ask those who run the archive, or use another mirror of it.`
      : "Say in filter.include what to take, ask those who run the archive, or use another mirror of it.",
  );
}
