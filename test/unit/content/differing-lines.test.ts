import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { differingLines } from "../../../content/apt/differing-lines.ts";
import { parsePlanText, planText } from "../../../content/apt/plan.ts";
import { changeText, comparePlans } from "../../../content/apt/plan-comparison.ts";
import { canonical } from "../../../content/apt/plan-lines.ts";
import type { PlanRow } from "../../../content/apt/plan-row.ts";

const digest = (text: string) => createHash("sha256").update(text).digest("hex");
const suites = ["noble", "noble-updates"];

/** A number below `limit` that is the same in every run. */
function chooser(seed: number) {
  let count = 0;
  return (limit: number) => Number.parseInt(digest(`${seed} ${count++}`).slice(0, 8), 16) % limit;
}

function rowsOf(below: (limit: number) => number): PlanRow[] {
  return Array.from({ length: 30 }, () => {
    const found = {
      suite: suites[below(2)] ?? "",
      component: "main",
      architecture: ["amd64", "arm64", "all", "source"][below(4)] ?? "",
      name: `p${below(12)}`,
      version: `${below(3)}`,
    };
    // A few contents that several packages and suites share.
    const sha256 = digest(below(3) === 0 ? `shared ${below(4)}` : JSON.stringify(found));
    const row = { path: `pool/${found.name}_${found.version}_${sha256.slice(0, 6)}.deb`, size: 10, sha256 };
    return below(5) === 0 ? row : { ...row, package: found };
  });
}

function textOf(rows: readonly PlanRow[], date: string): string {
  const heads = suites.map((suite) => [suite, { date, releaseSha256: digest(suite), packages: 0, bytes: 0 }]);
  return [...planText({ suites: Object.fromEntries(heads), rows: canonical(rows) })].join("");
}

const changesOf = (before: string, after: string, lacks: (sha256: string) => boolean) =>
  [...comparePlans(parsePlanText(before), parsePlanText(after), lacks)].map(([suite, change]) =>
    changeText(suite, change),
  );

describe("the differing lines of two plans' texts", () => {
  test("have the same comparison as the whole texts", () => {
    let changed = 0;
    for (let seed = 0; seed < 300; seed++) {
      const below = chooser(seed);
      const rows = rowsOf(below);
      const kept = rows.filter(() => below(8) > 0);
      const before = textOf(rows, "2026-11-27T06:00:00.000Z");
      const after = textOf([...kept, ...rowsOf(below).slice(0, below(4))], "2026-11-28T06:00:00.000Z");
      const differing = differingLines(before, Buffer.from(after));
      const lacks = (sha256: string) => Number.parseInt(sha256.slice(0, 2), 16) % 2 === 0;
      const whole = changesOf(before, after, lacks);
      expect(changesOf(differing.before, differing.after, lacks)).toEqual(whole);
      if (whole.length > 0) changed++;
    }
    expect(changed).toBeGreaterThan(200);
  });

  test("do not include unchanged packages, except one for the architecture", () => {
    const rows = Array.from({ length: 1000 }, (_, number) => ({
      path: `pool/p${number}.deb`,
      size: 10,
      sha256: digest(`p${number}`),
      package: {
        suite: "noble",
        component: "main",
        architecture: "amd64",
        name: `p${number}`,
        version: "1",
      },
    }));
    const [before, after] = [textOf(rows, "2026-11-28"), textOf(rows.slice(1), "2026-11-28")];
    const differing = differingLines(before, after);
    // The headers, the removed package, and one for the architecture.
    expect(differing.before.split("\n")).toHaveLength(5);
    expect(differing.after.split("\n")).toHaveLength(4);
  });

  test("of an unsorted text show no change if it has the same lines", () => {
    const rows = rowsOf(chooser(1));
    const after = textOf(rows, "2026-11-28");
    const [first, ...rest] = after.trimEnd().split("\n");
    const backwards = `${[first, ...rest.reverse()].join("\n")}\n`;
    const differing = differingLines(backwards, after);
    expect(changesOf(differing.before, differing.after, () => true)).toEqual([]);
  });
});
