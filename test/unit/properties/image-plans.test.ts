import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { comparePlans } from "../../../content/simplestreams/plan-comparison.ts";
import {
  type PlanRow,
  parsePlanText,
  planText,
  summarise,
} from "../../../content/simplestreams/plan-text.ts";
import { orRefused } from "./or-refused.ts";
import { digest, imageName, sanePath, size, word } from "./upstream-values.ts";

const row: fc.Arbitrary<PlanRow> = fc
  .record({
    path: sanePath,
    size,
    sha256: digest,
    product: fc.option(
      fc.record({
        kind: fc.constantFrom("image" as const, "bootloader" as const, "notifications" as const),
        os: imageName,
        release: imageName,
        architecture: imageName,
        kernel: imageName,
        name: word,
        serial: imageName,
      }),
    ),
  })
  .map(({ product, ...file }) => (product ? { ...file, product } : file));

const ages = fc.record({
  index: word,
  products: fc.array(fc.tuple(word, word), { maxLength: 3 }).map((all) => Object.fromEntries(all)),
});

describe("the text of a plan of images", () => {
  test("is read as it was written", () => {
    fc.assert(
      fc.property(ages, fc.array(row, { maxLength: 6 }), (of, rows) => {
        const plan = summarise(of, rows);
        const written = planText(plan);
        expect(parsePlanText(written)).toEqual(plan);
        expect(createHash("sha256").update(written).digest("hex")).toBe(plan.digest);
        expect(summarise(of, [...rows, ...rows].reverse())).toEqual(plan);
        expect(comparePlans(plan, parsePlanText(written))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test("that somebody changed is read into valid rows, or refused", () => {
    const part = fc.oneof(
      word,
      digest,
      fc.constantFrom("", "12", "index", "products", "image", "__proto__", "\x1b", "\0"),
    );
    const line = fc.oneof(
      fc.array(part, { maxLength: 11 }).map((parts) => parts.join(" ")),
      row.map((one) => planText(summarise({ index: "", products: {} }, [one])).split("\n")[2] ?? ""),
    );
    const hostile = fc
      .tuple(fc.constantFrom("", "airgapped-maas image plan 1"), fc.array(line, { maxLength: 4 }))
      .map(([first, lines]) => [first, ...lines].join("\n"));
    fc.assert(
      fc.property(hostile, (written) => {
        const plan = orRefused(() => parsePlanText(written));
        if (!plan) return;
        for (const { path, size, sha256 } of plan.rows) {
          expect(sha256).toMatch(/^[0-9a-f]{64}$/);
          expect(Number.isSafeInteger(size) && size >= 0).toBe(true);
          expect(path).not.toBe("");
        }
        for (const text of comparePlans(undefined, plan)) expect(text).not.toMatch(/[\x00-\x1f\x7f]|NaN/);
      }),
      { numRuns: 500 },
    );
  });
});
