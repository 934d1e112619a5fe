import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { parsePlanText, planText } from "../../../content/apt/plan.ts";
import { changeText, comparePlans } from "../../../content/apt/plan-comparison.ts";

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

interface Given {
  readonly name: string;
  readonly version: string;
  readonly architecture?: string;
  readonly content?: string;
  readonly size?: number;
}

/** A plan of these packages by suite, read from its text. */
function plan(suites: Readonly<Record<string, readonly Given[]>>, files: readonly string[] = []) {
  const rows = Object.entries(suites).flatMap(([suite, packages]) =>
    packages.map(({ name, version, architecture = "amd64", content = "", size = 1024 }) => ({
      path: `pool/${name}_${version}_${architecture}${content}.deb`,
      size,
      sha256: digest(`${name} ${version} ${architecture} ${content}`),
      package: { suite, component: "main", architecture, name, version },
    })),
  );
  const others = files.map((path) => ({ path, size: 512, sha256: digest(path) }));
  const heads = Object.fromEntries(
    Object.keys(suites).map((suite) => [
      suite,
      { date: "2026-11-28T06:49:15.000Z", releaseSha256: digest(suite), packages: 0, bytes: 0 },
    ]),
  );
  return parsePlanText([...planText({ suites: heads, rows: [...rows, ...others] })].join(""));
}

function changesOf(...plans: Parameters<typeof comparePlans>): string[] {
  return [...comparePlans(...plans)].map(([suite, change]) => changeText(suite, change));
}

const jq = (version: string, architecture = "amd64") => ({ name: "jq", version, architecture });

describe("the comparison of two plans of an apt mirror", () => {
  test("lists new packages, new versions and removed packages for each suite", () => {
    const before = plan({ noble: [jq("1.6"), { name: "old", version: "1" }], "noble-security": [jq("1.6")] });
    const after = plan({
      noble: [jq("1.6"), { name: "fresh", version: "2:0.1~rc1" }],
      "noble-security": [jq("1.6-2.1ubuntu3.1")],
    });
    expect(changesOf(before, after)).toEqual([
      "noble: +1 ~0 -1 packages, 1.0 KiB to fetch\n  new: fresh 2:0.1~rc1\n  removed: old 1",
      "noble-security: +0 ~1 -0 packages, 1.0 KiB to fetch\n  new versions: jq 1.6 -> 1.6-2.1ubuntu3.1",
    ]);
  });

  test("is empty if nothing changes", () => {
    expect(changesOf(plan({ noble: [jq("1")] }), plan({ noble: [jq("1")] }))).toEqual([]);
  });

  test("marks a package that has the same version and new content", () => {
    const rebuilt = plan({ noble: [{ ...jq("1"), content: "rebuilt" }] });
    expect(changesOf(plan({ noble: [jq("1")] }), rebuilt)).toEqual([
      "noble: +0 ~1 -0 packages, 1.0 KiB to fetch\n  new versions: jq 1 (same version, new content)",
    ]);
  });

  test("names the architectures only if not all change in the same way, and names sources", () => {
    const both = (version: string) => [jq(version), jq(version, "arm64")];
    expect(changesOf(plan({ noble: both("1") }), plan({ noble: both("2") }))[0]).toMatch(
      /new versions: jq 1 -> 2$/,
    );
    const half = plan({ noble: [jq("2"), jq("1", "arm64")] });
    expect(changesOf(plan({ noble: both("1") }), half)[0]).toMatch(/new versions: jq 1 -> 2 \(amd64\)$/);
    const lone = plan({
      noble: [jq("2"), jq("1", "arm64"), { name: "x", version: "1", architecture: "arm64" }],
    });
    expect(changesOf(plan({ noble: both("1") }), lone)[0]).toContain("new: x 1 (arm64)");
    const unlike = [jq("2"), jq("3", "arm64"), { ...jq("2"), architecture: "source" }];
    expect(changesOf(plan({ noble: both("1") }), plan({ noble: unlike }))).toEqual([
      "noble: +1 ~2 -0 packages, 3.0 KiB to fetch\n  new: jq 2 (source)\n" +
        "  new versions: jq 1 -> 2 (amd64), jq 1 -> 3 (arm64)",
    ]);
  });

  test("shortens a long list of new packages and adds a count, but lists all removed packages", () => {
    const many = Array.from({ length: 25 }, (_, index) => ({ name: `p${index + 10}`, version: "1" }));
    const [added = ""] = changesOf(plan({ noble: [] }), plan({ noble: many }));
    expect(added).toMatch(/new: p10 1, .*p29 1, and 5 more$/);
    expect(added).not.toContain("p30");
    const [removed = ""] = changesOf(plan({ noble: many }), plan({ noble: [] }));
    expect(removed.match(/p\d\d 1/g)).toHaveLength(25);
  });

  test("does not count content that the host already has as bytes to fetch", () => {
    const after = plan({ noble: [jq("1"), jq("2", "arm64")] });
    const lacks = (sha256: string) => sha256 !== digest("jq 1 amd64 ");
    expect(changesOf(undefined, after, lacks)[0]).toMatch(/^noble: \+2 ~0 -0 packages, 1\.0 KiB to fetch\n/);
  });

  test("counts an index for its suite, also with a slash, and shared content for the first suite", () => {
    const cloud = "noble-updates/epoxy";
    const files = [`dists/${cloud}/InRelease`, "dists/noble/InRelease"];
    const after = plan({ noble: [jq("1")], [cloud]: [jq("1")] }, files);
    expect(changesOf(undefined, after).map((line) => line.split("\n")[0])).toEqual([
      "noble: +1 ~0 -0 packages, 1.5 KiB to fetch",
      `${cloud}: +1 ~0 -0 packages, 512 B to fetch`,
    ]);
  });

  test("lists the packages of a removed suite", () => {
    const before = plan({ noble: [jq("1")], jammy: [jq("1")] });
    expect(changesOf(before, plan({ noble: [jq("1")] }))).toEqual([
      "jammy: +0 ~0 -1 packages, 0 B to fetch\n  removed: jq 1",
    ]);
  });
});
