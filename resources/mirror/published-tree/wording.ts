/** `1 package`, `2 packages`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** The first five items, and an ellipsis if there are more. */
export function firstFive(items: readonly string[]): string {
  return items.length > 5 ? `${items.slice(0, 5).join(", ")} ...` : items.join(", ");
}
