/** The names sorted by similarity to the given text: the most likely one first. */
export function nearestFirst(written: string, names: Iterable<string>): string[] {
  return [...new Set(names)]
    .map((name) => ({ name, distance: distanceOf(written, name) }))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}

/** The number of characters to add, remove or replace (Levenshtein). */
function distanceOf(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [i, a] of [...left].entries()) {
    const next = [i + 1];
    for (const [j, b] of [...right].entries()) {
      const replaced = (row[j] ?? 0) + (a === b ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}

/** The first names, and the number of the others: `a, b, c and 7 more`. */
export function someOf(names: readonly string[], limit = 6): string {
  const first = names.slice(0, limit).join(", ");
  return names.length > limit ? `${first} and ${names.length - limit} more` : first;
}
