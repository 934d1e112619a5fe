/**
 * Whether a path that upstream names may be joined to a directory or a URL: relative, plain parts,
 * no `..`, no part longer than a file's name can be, and no character that is not printable ASCII or would mean something to a URL or a list.
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

/** The directories that a path lies in, the nearest first. */
export function* directoriesOf(path: string): Generator<string> {
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
    yield path.slice(0, end);
}
