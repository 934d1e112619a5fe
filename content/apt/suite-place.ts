/*
 * Where the indices of a suite are (sources.list(5)): below `dists/SUITE/`. If the name of a suite ends in a slash,
 * they are at that path itself: a flat repository, which has no components.
 */

/** Whether a suite's name is the path of a flat repository: `./`, `/`, `binary/`. */
export function isFlat(suite: string): boolean {
  return suite.endsWith("/");
}

/** The directory of a suite's Release below the archive's root; empty for the root itself. */
export function suiteDirectory(suite: string): string {
  return isFlat(suite) ? suite.replace(/^(\.?\/)+/, "").replace(/\/+$/, "") : `dists/${suite}`;
}

/** The path of a file of a suite below the archive's root. */
export function inSuite(suite: string, path: string): string {
  const directory = suiteDirectory(suite);
  return directory === "" ? path : `${directory}/${path}`;
}

/** The component name of a flat repository's packages in plans. */
export const flatComponent = "-";

/** The suite whose directory contains a path, or undefined; of nested ones the innermost. */
export function suiteAt(path: string, suites: Iterable<string>): string | undefined {
  let best: string | undefined;
  for (const suite of suites) {
    const directory = suiteDirectory(suite);
    if (directory !== "" && !path.startsWith(`${directory}/`)) continue;
    if (best === undefined || directory.length > suiteDirectory(best).length) best = suite;
  }
  return best;
}

/** Two suites of which one is in the directory of the other, e.g. `stable` and `stable/updates`. */
export function nestedSuites(suites: readonly string[]): readonly [string, string] | undefined {
  for (const outer of suites) {
    const inner = suites.find(
      (other) => other !== outer && inSuite(other, "").startsWith(inSuite(outer, "")),
    );
    if (inner !== undefined) return [outer, inner];
  }
  return undefined;
}
