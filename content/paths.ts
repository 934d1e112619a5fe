/**
 * Whether a path from upstream may be joined to a directory or a URL: relative, without `..`, with parts no longer
 * than a file name, and only of printable ASCII without characters that have a meaning in a URL or a list.
 */
export function isSanePath(path: string): boolean {
  return (
    path.length > 0 &&
    path.length <= 1000 &&
    /^[\x21-\x7e]+$/.test(path) &&
    !/[\\?#%"'<>|*]/.test(path) &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== ".." && part.length <= 255)
  );
}

/** The directories that contain a path, the innermost first. */
export function* directoriesOf(path: string): Generator<string> {
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
    yield path.slice(0, end);
}
