import { describe, expect, test } from "@jest/globals";
import { same, storable, storablePart } from "../../../resources/kernel/stored-properties.ts";

describe("the stored state", () => {
  test.each([
    ["undefined in a list", [undefined], "v[0] is a undefined"],
    ["a gap in a list", { a: new Array(1) }, "v.a[0] is a undefined"],
    ["a date", { a: { b: new Date(0) } }, "v.a.b is a Date"],
    ["a map", { a: [new Map()] }, "v.a[0] is a Map"],
    ["a buffer", Buffer.from("a"), "v is a Buffer"],
    ["NaN", Number.NaN, "v is a number"],
    ["an infinite number", [Number.POSITIVE_INFINITY], "v[0] is a number"],
    ["a big integer", 1n, "v is a bigint"],
    ["a function", { a: () => 1 }, "v.a is a function"],
  ])("cannot hold %s, and the error names its path", (_, value, message) => {
    expect(() => storable(value, "v")).toThrow(message);
  });

  test("can hold each JSON value, and omits keys without a value", () => {
    const value = { a: [1, "x", null, true, { b: {} }], gone: undefined };
    expect(storable(value)).toEqual({ a: [1, "x", null, true, { b: {} }] });
    expect(Object.keys(storable(value) as object)).toEqual(["a"]);
  });

  test("holds the part of the outputs that can be stored", () => {
    expect(storablePart({ path: "/a", at: new Date(), none: undefined, list: [1n] })).toEqual({ path: "/a" });
  });
});

describe("two stored values", () => {
  test.each([
    [{ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }, true],
    [[1, 2], [2, 1], false],
    [[], {}, false],
    [{ a: null }, {}, false],
    [{ a: null }, { b: null }, false],
    [null, {}, false],
    ["1", 1, false],
    // Every object inherits these.
    [JSON.parse('{"__proto__":{}}'), { a: 1 }, false],
    [{ constructor: {} }, { a: {} }, false],
  ])("%j and %j are the same: %s", (one, other, expected) => {
    expect(same(one, other)).toBe(expected);
    expect(same(other, one)).toBe(expected);
  });
});
