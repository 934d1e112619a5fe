/**
 * The value of a record for an untrusted name. Plain indexing would also find inherited members: `constructor`,
 * `toString`, `__proto__`.
 */
export function ownValue<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
