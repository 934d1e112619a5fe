const known = new Map<string, string>();

/** One string for all that are equal: for values of which there are few. */
export function interned(text: string): string {
  const one = known.get(text);
  if (one !== undefined) return one;
  if (known.size < 10_000) known.set(text, text);
  return text;
}
