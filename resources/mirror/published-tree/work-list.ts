import { directoriesOf } from "../../../content/paths.ts";
import { byLine } from "../../../content/text-lines.ts";
import { ExplainedError } from "../../../errors/explained-error.ts";

/** A file that a tree needs, with its destination. */
export interface WorkItem {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Path below the upstream URL; undefined for files that this workstation uploads. */
  readonly from: string | undefined;
  /** `tree/...` (the path for clients of the new tree), or below another keyword of the kind of tree. */
  readonly to: string;
}

/** The first parts of destinations; see the kinds of trees in their scripts. */
const destinations = [...["tree", "pool", "package", "index", "selection", "sources", "headers"], "unsigned"];

/**
 * One line per file: sha256, size, origin (`-` for uploaded files), destination, separated by tabs. The host parses it
 * by the same rules; see guard.sh.
 *
 * @throws ExplainedError for invalid entries and for contradictions.
 */
export function workListText(items: readonly WorkItem[]): string {
  return [...workListLines(items)].join("");
}

/** The same, line by line, so that the text of a large archive is never in memory as a whole. */
export function workListLines(items: readonly WorkItem[]): Iterable<string> {
  refuseInvalid(items);
  return eachLine([...items].sort(byLine(lineOf)));
}

function* eachLine(items: readonly WorkItem[]): Generator<string> {
  for (const item of items) yield lineOf(item);
}

function lineOf({ sha256, size, from, to }: WorkItem): string {
  return `${sha256}\t${size}\t${from ?? "-"}\t${to}\n`;
}

function refuseInvalid(items: readonly WorkItem[]): void {
  const sizes = new Map<string, number>();
  const contents = new Map<string, string>();
  for (const { sha256, size, from, to } of items) {
    const [word = ""] = to.split("/");
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw refuse(to, `${JSON.stringify(sha256)} is not a valid SHA-256`);
    if (!Number.isSafeInteger(size) || size < 0 || size > 999_999_999_999_999)
      throw refuse(to, `${size} is not a valid size`);
    if (from !== undefined && (from === "-" || !staysBelow(from)))
      throw refuse(to, `${JSON.stringify(from)} is not a valid path below upstream`);
    if (!staysBelow(to) || !destinations.includes(word) || word === to)
      throw refuse(to, "it is outside of the mirror's directories");
    const otherSize = sizes.get(sha256) ?? size;
    if (otherSize !== size)
      throw refuse(to, `${sha256} has ${otherSize} bytes in another entry, but ${size} here`);
    const other = contents.get(to) ?? sha256;
    if (other !== sha256) throw refuse(to, `it has two contents: ${other} and ${sha256}`);
    sizes.set(sha256, size);
    contents.set(to, sha256);
  }
  for (const to of contents.keys()) {
    for (const directory of directoriesOf(to)) {
      if (contents.has(directory)) throw refuse(to, `${directory} is both a file and a directory`);
    }
  }
}

/** Whether a path, joined to a directory, stays below it, on any file system of a host. */
function staysBelow(path: string): boolean {
  return (
    Buffer.byteLength(path) <= 1024 &&
    !/[\0-\x20\x7f\\]/.test(path) &&
    path
      .split("/")
      .every((part) => part !== "" && part !== "." && part !== ".." && Buffer.byteLength(part) <= 255)
  );
}

function refuse(to: string, found: string): ExplainedError {
  return new ExplainedError({
    step: `planning the destination ${JSON.stringify(to).slice(1, -1).slice(0, 300)}`,
    found,
    remedy:
      "Upstream's index or a local package has wrong data for this file: exclude it with a filter, or use another upstream.",
  });
}
