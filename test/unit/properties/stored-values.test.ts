import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Json } from "../../../resources/kernel/definition.ts";
import { same, storable, storablePart } from "../../../resources/kernel/stored-properties.ts";

const key = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.constantFrom("__proto__", "constructor", "toString", "length", "0"),
);

/** Any JSON value, with keys that every object inherits. */
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(
      fc.string({ maxLength: 3 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number || 0),
      fc.boolean(),
      fc.constant(null),
    ),
    fc.array(tie("json"), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie("json")), { maxLength: 3 }).map((all) => Object.fromEntries(all)),
  ),
}));

/** The same value with its keys in the opposite order. */
function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, of]) => [key, turned(of)]),
  );
}

describe("two stored values", () => {
  test("are the same when they differ only in the order of keys", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(same(value, turned(value))).toBe(true);
        expect(same(turned(value), structuredClone(value))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("are the same only when all parts are equal, whichever value is first", () => {
    const pairs = fc.oneof(
      fc.tuple(json, json),
      fc
        .tuple(key, json, key, json)
        .map(([one, a, other, b]): [Json, Json] => [{ [one]: a }, { [other]: b }]),
    );
    fc.assert(
      fc.property(pairs, ([one, other]) => {
        expect(same(one, other)).toBe(isDeepStrictEqual(one, other));
        expect(same(other, one)).toBe(same(one, other));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the stored state", () => {
  test("holds a JSON value unchanged", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(isDeepStrictEqual(storable(value), value)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("holds values that do not change when they are written and read as JSON, and refuses others", () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
    });
    let held = 0;
    fc.assert(
      fc.property(anything, (value) => {
        let stored: Json;
        try {
          stored = storable(value);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          return;
        }
        held++;
        expect(same(JSON.parse(JSON.stringify(stored)), stored)).toBe(true);
      }),
      { numRuns: 1000 },
    );
    expect(held).toBeGreaterThan(100);
  });

  test("holds the part of any object that can be stored", () => {
    fc.assert(
      fc.property(fc.dictionary(key, fc.anything()), (values) => {
        const part = storablePart(values);
        for (const [key, value] of Object.entries(part))
          expect(same(value, storable(values[key]))).toBe(true);
        expect(same(storable(part), part)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
