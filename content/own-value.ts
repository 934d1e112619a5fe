/**
 * What a record has under a name that somebody else chose. Plain indexing finds what every object has: `constructor`,
 * `toString`, `__proto__`.
 */
export function ownValue<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
