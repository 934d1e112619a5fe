import { describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { argumentRows } from "../../../../toolchain/docs/argument-rows.ts";
import { pageText, type Section } from "../../../../toolchain/docs/reference-page.ts";
import { secretText } from "../../../../values/schema-marks.ts";

const described = (schema: z.ZodType) => schema.describe("what");
/** A field's row, as `type | default`. */
const row = (schema: z.ZodType) => {
  const [first] = argumentRows(z.strictObject({ it: described(schema) }));
  return `${first?.type} | ${first?.default}`;
};

describe("a row of the reference", () => {
  test.each<[string, z.ZodType]>([
    ["string | required", z.string()],
    ["string | not set", z.string().min(1).optional()],
    [
      "string | `eight`",
      z.string().transform(Number).pipe(z.number()).default(8).meta({ defaultText: "`eight`" }),
    ],
    ["string | `x`", z.string().trim().default("x")],
    ['string | `""`', z.string().default("")],
    ["boolean | `false`", z.boolean().default(false)],
    ["1 to 9 | `3`", z.int().min(1).max(9).default(3)],
    ["integer, 2 or more | required", z.int().min(2)],
    ["number | required", z.number()],
    ["`a` or `b` | `a`", z.enum(["a", "b"]).default("a")],
    ["list of strings | `[a, b]`", z.array(z.string()).default(["a", "b"])],
    ["list of numbers, 1 to 9 | required", z.array(z.int().min(1).max(9))],
    ["list of AptMirrors | required", z.array(z.custom().meta({ typeText: "an AptMirror" }))],
    ["strings by name | `{}`", z.record(z.string(), z.string()).default({})],
    ["string or number | required", z.union([z.string(), z.number()])],
    ["group | ", z.strictObject({}).prefault({})],
    ["PEM text | at hand", z.string().optional().meta({ typeText: "PEM text", defaultText: "at hand" })],
  ])("shows %s", (expected, schema) => {
    expect(row(schema)).toBe(expected);
  });

  test("is written for each argument in a group, a list and a map", () => {
    const inner = z.strictObject({ name: described(z.string()) });
    const rows = argumentRows(
      z
        .strictObject({
          one: described(inner.optional()),
          many: described(z.array(inner)),
          named: described(z.record(z.string(), inner)),
          either: described(z.union([z.string(), inner])),
        })
        .transform((value) => value),
    );
    expect(rows.map(({ path }) => path)).toEqual([
      "one",
      "one.name",
      "many",
      "many[].name",
      "named",
      "named.NAME.name",
      "either",
      "either.name",
    ]);
  });

  test("cannot be written without a description", () => {
    const schema = z.strictObject({ one: described(z.strictObject({ two: z.string() })) });
    expect(() => argumentRows(schema)).toThrow("one.two has no description");
  });
});

describe("a page of the reference", () => {
  const schema = z.strictObject({
    key: secretText(z.string()).describe("A_key | with *marks* and [brackets]."),
    way: z
      .enum(["a"])
      .meta({ description: "How.", plain: "it counts", examples: [["x", 1]], see: "a/b.md#the-way" }),
  });
  const page = (section: Partial<Section>) =>
    pageText({
      file: "x.md",
      title: "X",
      about: "About.",
      sections: [{ heading: "Arguments", schema, kind: "arguments of a program", ...section }],
    });

  test("is a Markdown table with escaped descriptions", () => {
    expect(page({}).split("\n").slice(-3)).toEqual([
      "| `key` | string, **secret** | required | A_key \\| with \\*marks\\* and \\[brackets\\]. |",
      "| `way` | `a` | required | How. E.g. `[x, 1]`. _Must be a plain value: it counts._ See [the way](../a/b.md#the-way). |",
      "",
    ]);
  });

  test("shows which arguments cannot be outputs, for programs only", () => {
    expect(page({})).toContain("Must be a plain value: it counts.");
    expect(page({ kind: "values of a file" })).not.toContain("Must be a plain value");
  });

  test("marks as secret what its schema or its definition marks as secret", () => {
    const secret = (text: string) => text.split("\n").filter((line) => line.includes("**secret**"));
    expect(secret(page({}))).toEqual([expect.stringContaining("`key`")]);
    expect(secret(page({ secrets: ["way"] }))).toHaveLength(2);
  });
});
