import * as pulumi from "@pulumi/pulumi";

/* Values that a program gives directly, or as outputs of other resources, which are known later. */

/** A value, or an output that is known later. */
export type Late<Value> = Value | pulumi.Output<Value>;

/** A part of a value that comes late, with its path. */
export interface LatePart {
  readonly path: readonly PropertyKey[];
  readonly value: pulumi.Output<unknown> | Promise<unknown>;
}

export function isLate(value: unknown): value is LatePart["value"] {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}

/** The value; undefined if it comes late. */
export function atHand<Value>(value: pulumi.Input<Value>): Value | undefined {
  return isLate(value) ? undefined : (value as Value);
}

/** All parts of a value that come late. The properties of resources are not parts. */
export function latePartsOf(value: unknown, path: readonly PropertyKey[] = []): LatePart[] {
  if (isLate(value)) return [{ path, value }];
  if (typeof value !== "object" || value === null || pulumi.Resource.isInstance(value)) return [];
  return Array.isArray(value)
    ? value.flatMap((item, index) => latePartsOf(item, [...path, index]))
    : Object.entries(value).flatMap(([key, item]) => latePartsOf(item, [...path, key]));
}

/** The value with some of its parts replaced. */
export function withParts(
  value: unknown,
  parts: readonly { readonly path: readonly PropertyKey[]; readonly value: unknown }[],
): unknown {
  const own = parts.find(({ path }) => path.length === 0);
  if (own) return own.value;
  if (parts.length === 0) return value;
  const part = (key: PropertyKey, item: unknown) =>
    withParts(
      item,
      parts.flatMap(({ path: [first, ...path], value }) => (first === key ? [{ path, value }] : [])),
    );
  return Array.isArray(value)
    ? value.map((item, index) => part(index, item))
    : Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, part(key, item)]));
}

/** The result of a function of a value: immediately for a plain value, otherwise an output. */
export function derived<Value, Result>(value: Late<Value>, use: (value: Value) => Result): Late<Result> {
  if (!pulumi.Output.isInstance(value)) return use(value);
  // The SDK sends a secret `undefined` as null, which no schema accepts.
  return pulumi.unsecret(outputOf(value)).apply(async (known) => {
    const result = use(known);
    const isSecret = result !== undefined && (await pulumi.isSecret(value as pulumi.Output<Value>));
    return isSecret ? pulumi.secret(result) : result;
  }) as pulumi.Output<Result>;
}

/** The result of a function of several values: immediately if all are plain, otherwise an output. */
export function derivedFrom<const Values extends readonly unknown[], Result>(
  values: { readonly [Index in keyof Values]: Late<Values[Index]> },
  use: (...values: Values) => Result,
): Late<Result> {
  const isSomeLate = values.some((value) => pulumi.Output.isInstance(value));
  const all = isSomeLate ? pulumi.all([...values]) : values;
  return derived(all as unknown as Late<Values>, (known) => use(...known));
}

/** The value as an output. */
export function outputOf<Value>(value: Late<Value>): pulumi.Output<Value> {
  return pulumi.output(value) as unknown as pulumi.Output<Value>;
}

/** The parts that are not known in a preview. */
export async function unknownAmong(parts: readonly LatePart[]): Promise<LatePart[]> {
  const known = await Promise.all(parts.map(({ value }) => isKnown(pulumi.output(value))));
  return parts.filter((_, index) => !known[index]);
}

/** A failed output counts as known: the code that waits for it reports the error. */
export function isKnown(output: pulumi.Output<unknown>): Promise<boolean> {
  return (output as unknown as { readonly isKnown: Promise<boolean> }).isKnown.catch(() => true);
}
