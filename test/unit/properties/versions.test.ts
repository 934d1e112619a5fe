import { execFileSync } from "node:child_process";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { compareVersions, satisfies } from "../../../content/apt/version.ts";

/** Few different characters, so that many versions begin alike and differ late. */
const part = (characters: string, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...characters), maxLength });

/** Versions that dpkg reads (Debian Policy 5.6.12), long runs of digits among them. */
const version = fc
  .record({
    epoch: fc.option(fc.constantFrom("0", "00", "1", "01", "2", "10", "2147483647")),
    upstream: fc.tuple(
      fc.constantFrom("0", "1", "9", "00", "01", "10", "18446744073709551616", "018446744073709551615"),
      part("019aZb~+.-", 6),
    ),
    revision: fc.option(fc.tuple(fc.constantFrom("0", "1", "9", "a", "~", "+", "."), part("019aZb~+.", 4))),
  })
  .map(({ epoch, upstream, revision }) => {
    const text = upstream.join("") + (revision ? `-${revision.join("")}` : "");
    // A hyphen at the end would begin an empty revision, which dpkg refuses.
    return (epoch === null ? "" : `${epoch}:`) + text.replace(/-+$/, "");
  });

/** Whatever is read from an index as a version, also what dpkg refuses. */
const anyVersion = fc.oneof(
  version,
  part("019aZ~+.-:_%@^=xe", 8).filter((text) => text !== ""),
);

describe("the order of versions", () => {
  test("is that of dpkg", () => {
    const pairs = fc.noBias(
      fc.array(fc.tuple(version, version), { minLength: 1, maxLength: 150, size: "max" }),
    );
    fc.assert(
      fc.property(pairs, (all) => {
        const found = all.map(([left, right]) => `${left} ${sign(compareVersions(left, right))} ${right}`);
        expect(found).toEqual(comparedByDpkg(all));
      }),
      { numRuns: 3 },
    );
  });

  test("is total: of two versions one is less, or they are equal, whichever comes first", () => {
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
        // What is equal to another is so for whoever else compares with it.
        if (compareVersions(low, middle) === 0)
          expect(sign(compareVersions(low, high))).toBe(sign(compareVersions(middle, high)));
      }),
      { numRuns: 2000 },
    );
  });

  test("is the same with an epoch of 0 and a revision of 0", () => {
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

  test("decides every relation", () => {
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

type Sign = "<" | "=" | ">";

const opposite = { "<": ">", "=": "=", ">": "<" } as const;

const sign = (order: number): Sign => (order < 0 ? "<" : order > 0 ? ">" : "=");

/** What dpkg says of each pair, `LEFT < RIGHT`. */
function comparedByDpkg(pairs: readonly (readonly [string, string])[]): string[] {
  const script = `while read -r left right; do
    if dpkg --compare-versions "$left" lt "$right"; then order='<'
    elif dpkg --compare-versions "$left" gt "$right"; then order='>'
    elif dpkg --compare-versions "$left" eq "$right"; then order='='
    else order=refused; fi
    echo "$left $order $right"
  done`;
  const input = pairs.map((pair) => `${pair.join(" ")}\n`).join("");
  // It warns of upstream versions that are odd and compares them all the same.
  const printed = execFileSync("sh", ["-c", script], {
    input,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "ignore"],
  });
  return printed.trimEnd().split("\n");
}
