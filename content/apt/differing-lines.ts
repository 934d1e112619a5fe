import { mergedLines } from "../text-lines.ts";
import { contentOf, isHead, packageOf } from "./plan-lines.ts";

/* What two plans' texts say of what differs between them: most of an archive stays, and takes memory when it is read. */

/**
 * Two plans' texts without the lines that they share and that say nothing about the others: left are the heads, every
 * line of one of them alone, all lines of a content or of a package that such a line is of, and a line for each
 * architecture of a suite. Texts that are not sorted lose fewer lines.
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

/** Heads come before all else. */
function isBefore(line: string, other: string): boolean {
  const [head, otherHead] = [isHead(line), isHead(other)];
  return head === otherHead ? line < other : head;
}
