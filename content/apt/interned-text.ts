const known = new Map<string, string>();

/** One shared string for equal texts: for fields with few different values. */
export function interned(text: string): string {
  const one = known.get(text);
  if (one !== undefined) return one;
  if (known.size < 10_000) known.set(text, text);
  return text;
}
