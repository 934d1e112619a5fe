import { ExplainedError } from "../../errors/explained-error.ts";
import { directoriesOf } from "../paths.ts";

/** A file with its signed size and digest. */
interface Identity {
  /** Below the archive's root. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly package?: {
    readonly suite: string;
    readonly component: string;
    readonly name: string;
    readonly version: string;
  };
}

/**
 * Refuses files that exclude each other: one path with two contents, one content with two sizes, a path that is a
 * directory of another.
 *
 * @throws ExplainedError that names both files.
 */
export function refuseContradictions(files: Iterable<Identity>): void {
  const byPath = new Map<string, Identity>();
  const byContent = new Map<string, Identity>();
  for (const file of files) {
    const { path, sha256, size } = file;
    const there = byPath.get(path);
    if (there && (there.sha256 !== sha256 || there.size !== size)) {
      throw contradiction(
        `${path} has two contents: ${there.sha256} (${there.size} bytes) ${by(there)} and ${sha256} (${size} bytes) ${by(file)}`,
      );
    }
    const alike = byContent.get(sha256);
    if (alike && alike.size !== size) {
      throw contradiction(
        `the content ${sha256} has two sizes: ${alike.size} bytes at ${alike.path} ${by(alike)} and ${size} bytes at ${path} ${by(file)}`,
      );
    }
    if (!there) byPath.set(path, file);
    if (!alike) byContent.set(sha256, file);
  }
  const directories = new Set<string>();
  for (const file of byPath.values()) {
    for (const directory of directoriesOf(file.path)) {
      if (directories.has(directory)) break;
      directories.add(directory);
      const there = byPath.get(directory);
      if (there) {
        throw contradiction(
          `${directory} is a file ${by(there)} and also the directory of ${file.path} ${by(file)}`,
        );
      }
    }
  }
}

function by({ package: found, path }: Identity): string {
  return found
    ? `(${found.name} ${found.version} in ${found.suite}/${found.component})`
    : `(listed for ${path})`;
}

function contradiction(found: string): ExplainedError {
  return new ExplainedError({
    step: "planning a mirror",
    found,
    remedy:
      "Upstream contradicts itself: wait until it is corrected, use another mirror of it, or exclude the package (filter.exclude).",
  });
}
