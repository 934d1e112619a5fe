import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { compareVersions, satisfies } from "../../../content/apt/version.ts";
import { anyVersion, part, sign } from "./version-values.ts";

describe("the order of versions", () => {
  test("is total, and is reversed when the two versions are swapped", () => {
    fc.assert(
      fc.property(anyVersion, anyVersion, (left, right) => {
        expect(sign(compareVersions(left, right))).toBe(opposite[sign(compareVersions(right, left))]);
        expect(compareVersions(left, left)).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });

  test("is transitive", () => {
    fc.assert(
      fc.property(anyVersion, anyVersion, anyVersion, (...three) => {
        const [low, middle, high] = three.sort(compareVersions) as [string, string, string];
        expect(compareVersions(low, middle)).toBeLessThanOrEqual(0);
        expect(compareVersions(middle, high)).toBeLessThanOrEqual(0);
        expect(compareVersions(low, high)).toBeLessThanOrEqual(0);
        // Equal versions compare in the same way with any other version.
        if (compareVersions(low, middle) === 0)
          expect(sign(compareVersions(low, high))).toBe(sign(compareVersions(middle, high)));
      }),
      { numRuns: 2000 },
    );
  });

  test("is not changed by an epoch of 0 or a revision of 0", () => {
    const upstream = part("019aZ~+.", 8).map((rest) => `1${rest}`);
    fc.assert(
      fc.property(
        upstream,
        fc.constantFrom("", "0:", "00:"),
        fc.constantFrom("", "-0", "-00"),
        (text, epoch, revision) => {
          expect(compareVersions(epoch + text + revision, text)).toBe(0);
        },
      ),
    );
  });

  test("decides each relation of a dependency: <<, <=, =, >= and >>", () => {
    fc.assert(
      fc.property(anyVersion, anyVersion, (left, right) => {
        const [less, equal, greater] = (["<<", "=", ">>"] as const).map((relation) =>
          satisfies(left, relation, right),
        );
        expect([less, equal, greater].filter(Boolean)).toHaveLength(1);
        expect(satisfies(left, "<=", right)).toBe(!greater);
        expect(satisfies(left, ">=", right)).toBe(!less);
        expect(satisfies(right, "<<", left)).toBe(greater);
      }),
      { numRuns: 500 },
    );
  });
});

const opposite = { "<": ">", "=": "=", ">": "<" } as const;
