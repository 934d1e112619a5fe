/*
 * One name for an index of a suite, which is a path too: suites and components may have slashes, so these are written as
 * colons, which no name of theirs has.
 */

interface IndexKey {
  readonly suite: string;
  readonly component: string;
  /** Or `source`. */
  readonly architecture: string;
}

/** E.g. `noble-updates:epoxy/main/amd64` of the suite `noble-updates/epoxy`. */
export function indexKey({ suite, component, architecture }: IndexKey): string {
  return [suite, component, architecture].map(pathPart).join("/");
}

/** A name that may have slashes, as one part of a path. */
export function pathPart(name: string): string {
  return name.replaceAll("/", ":");
}
