import { mergedLines } from "../text-lines.ts";
import { contentOf, isHead, packageOf } from "./plan-lines.ts";

/*
 * The differing parts of two plans' texts. Most of an archive does not change, and reading all of it would take
 * memory.
 */

/**
 * Two plans' texts, reduced to the differences: the heads, every line that only one of them has, all lines of a
 * content or of a package of such a line, and one line for each architecture of a suite. If the texts are not sorted,
 * fewer lines are removed.
 */
export function differingLines(
  before: string | Buffer,
  after: string | Buffer,
): { readonly before: string; readonly after: string } {
  const contents = new Set<string>();
  const packages = new Set<string>();
  for (const [line, inBefore, inAfter] of mergedLines(before, after, isBefore)) {
    if (inBefore && inAfter) continue;
    contents.add(contentOf(line));
    const named = packageOf(line);
    if (named) packages.add(named.package);
  }
  const machines = new Set<string>();
  const kept: { readonly before: string[]; readonly after: string[] } = { before: [], after: [] };
  for (const [line, inBefore, inAfter] of mergedLines(before, after, isBefore)) {
    if (inBefore && inAfter && !isHead(line) && !contents.has(contentOf(line))) {
      const named = packageOf(line);
      if (!named || (!packages.has(named.package) && machines.has(named.machine))) continue;
      machines.add(named.machine);
    }
    if (inBefore) kept.before.push(line);
    if (inAfter) kept.after.push(line);
  }
  return { before: kept.before.join("\n"), after: kept.after.join("\n") };
}

/** Heads come before all other lines. */
function isBefore(line: string, other: string): boolean {
  const [head, otherHead] = [isHead(line), isHead(other)];
  return head === otherHead ? line < other : head;
}
