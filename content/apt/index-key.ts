/*
 * A name for an index of a suite that is also a valid path. Slashes of suites and components become colons, which
 * their names cannot contain.
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

/** A name that may contain slashes, as one part of a path. */
export function pathPart(name: string): string {
  return name.replaceAll("/", ":");
}
