import { execFileSync } from "node:child_process";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { compareVersions } from "../../../content/apt/version.ts";
import { sign, versionPair } from "../../unit/properties/version-values.ts";

test("versions have the same order as in dpkg", () => {
  const pairs = fc.noBias(fc.array(versionPair, { minLength: 1, maxLength: 150, size: "max" }));
  fc.assert(
    fc.property(pairs, (all) => {
      const found = all.map(([left, right]) => `${left} ${sign(compareVersions(left, right))} ${right}`);
      expect(found).toEqual(comparedByDpkg(all));
    }),
    { numRuns: 3 },
  );
});

/** dpkg's result for each pair `LEFT < RIGHT`. */
function comparedByDpkg(pairs: readonly (readonly [string, string])[]): string[] {
  const script = `while read -r left right; do
    if dpkg --compare-versions "$left" lt "$right"; then order='<'
    elif dpkg --compare-versions "$left" gt "$right"; then order='>'
    elif dpkg --compare-versions "$left" eq "$right"; then order='='
    else order=refused; fi
    echo "$left $order $right"
  done`;
  const input = pairs.map((pair) => `${pair.join(" ")}\n`).join("");
  // It warns of unusual upstream versions, but compares them.
  const printed = execFileSync("sh", ["-c", script], {
    input,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "ignore"],
  });
  return printed.trimEnd().split("\n");
}
