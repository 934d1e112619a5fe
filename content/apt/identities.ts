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
    const samePath = byPath.get(path);
    if (samePath && (samePath.sha256 !== sha256 || samePath.size !== size)) {
      throw contradiction(
        `${path} has two contents: ${samePath.sha256} (${samePath.size} bytes) ${by(samePath)} and ${sha256} (${size} bytes) ${by(file)}`,
      );
    }
    const sameContent = byContent.get(sha256);
    if (sameContent && sameContent.size !== size) {
      throw contradiction(
        `the content ${sha256} has two sizes: ${sameContent.size} bytes at ${sameContent.path} ${by(sameContent)} and ${size} bytes at ${path} ${by(file)}`,
      );
    }
    if (!samePath) byPath.set(path, file);
    if (!sameContent) byContent.set(sha256, file);
  }
  const directories = new Set<string>();
  for (const file of byPath.values()) {
    for (const directory of directoriesOf(file.path)) {
      if (directories.has(directory)) break;
      directories.add(directory);
      const fileAtDirectory = byPath.get(directory);
      if (fileAtDirectory) {
        throw contradiction(
          `${directory} is a file ${by(fileAtDirectory)} and also the directory of ${file.path} ${by(file)}`,
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
