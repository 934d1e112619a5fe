import * as pulumi from "@pulumi/pulumi";

/* Values that a program may give as such, or as outputs of other resources, which are known later. */

/** A value at hand, or one that comes when the outputs that it is made from are known. */
export type Late<Value> = Value | pulumi.Output<Value>;

/** A part of a value that comes late, and where it is. */
export interface LatePart {
  readonly path: readonly PropertyKey[];
  readonly value: pulumi.Output<unknown> | Promise<unknown>;
}

export function isLate(value: unknown): value is LatePart["value"] {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}

/** A value that is at hand; undefined where it comes late. */
export function atHand<Value>(value: pulumi.Input<Value>): Value | undefined {
  return isLate(value) ? undefined : (value as Value);
}

/** All parts of a value that come late. Resources are not looked into. */
export function latePartsOf(value: unknown, path: readonly PropertyKey[] = []): LatePart[] {
  if (isLate(value)) return [{ path, value }];
  if (typeof value !== "object" || value === null || pulumi.Resource.isInstance(value)) return [];
  return Array.isArray(value)
    ? value.flatMap((item, index) => latePartsOf(item, [...path, index]))
    : Object.entries(value).flatMap(([key, item]) => latePartsOf(item, [...path, key]));
}

/** The value with others in place of some of its parts. */
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

/** What is made from a value: now where it is at hand, and otherwise when it comes. */
export function derived<Value, Result>(value: Late<Value>, use: (value: Value) => Result): Late<Result> {
  if (!pulumi.Output.isInstance(value)) return use(value);
  // The SDK sends a secret `undefined` as null, which is no value of any kind.
  return pulumi.unsecret(outputOf(value)).apply(async (known) => {
    const result = use(known);
    const isSecret = result !== undefined && (await pulumi.isSecret(value as pulumi.Output<Value>));
    return isSecret ? pulumi.secret(result) : result;
  }) as pulumi.Output<Result>;
}

/** A value that may be at hand, as an output. */
export function outputOf<Value>(value: Late<Value>): pulumi.Output<Value> {
  return pulumi.output(value) as unknown as pulumi.Output<Value>;
}

/** Which of the parts are not known before an update has made them, as their paths. */
export async function unknownAmong(parts: readonly LatePart[]): Promise<LatePart[]> {
  const known = await Promise.all(parts.map(({ value }) => isKnown(pulumi.output(value))));
  return parts.filter((_, index) => !known[index]);
}

/** What fails is known to: what waits for it says so. */
function isKnown(output: pulumi.Output<unknown>): Promise<boolean> {
  return (output as unknown as { readonly isKnown: Promise<boolean> }).isKnown.catch(() => true);
}
