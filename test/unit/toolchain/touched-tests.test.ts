import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { readers, touchedTests } from "../../../toolchain/touched-tests.ts";

const repository = join(import.meta.dirname, "../../..");

describe("a change touches the tests", () => {
  const files = new Map([
    ["maas/a.ts", "export const a = 1;"],
    ["maas/b.ts", 'import { a } from "./a.ts";'],
    ["maas/type-of-a.ts", 'import type { A } from "./a.ts";\nimport { c } from "./c.ts";'],
    ["maas/c.ts", ""],
    ["maas/run.sh", undefined],
    ["maas/scripts.ts", 'export const run = script(import.meta.dirname, "run.sh");'],
    ["maas/maas", undefined],
    ["test/unit/a.test.ts", 'import { a } from "../../maas/a.ts";'],
    ["test/unit/b.test.ts", 'import { b } from "../../maas/b.ts";\nconst name = "maas";'],
    ["test/unit/c.test.ts", 'import { c } from "../../maas/type-of-a.ts";'],
    ["test/contract/process.ts", 'const main = join(import.meta.dirname, "../../maas/b.ts");'],
    ["test/contract/process.test.ts", 'import { started } from "./process.ts";'],
    ["test/programs/run.test.ts", 'const { run } = await import("../../maas/scripts.ts");'],
    ["test/programs/text.test.ts", 'const text = read("../../maas/run.sh");'],
    ["content/apt/ubuntu-archive-keys/F6.asc", undefined],
    ["content/openpgp/keyring.ts", ""],
    ["test/unit/keyring.test.ts", 'import { keys } from "../../content/openpgp/keyring.ts";'],
  ]);

  test.each([
    ["that is one", ["test/unit/a.test.ts"], ["test/unit/a.test.ts"]],
    [
      "that import it, through others, or start it as a program",
      ["maas/a.ts"],
      ["test/contract/process.test.ts", "test/unit/a.test.ts", "test/unit/b.test.ts"],
    ],
    ["but not those that know a type of it", ["maas/c.ts"], ["test/unit/c.test.ts"]],
    [
      "of the module that embeds it, where it is a script, and those that read it",
      ["maas/run.sh"],
      ["test/programs/run.test.ts", "test/programs/text.test.ts"],
    ],
    ["of what reads a folder", ["content/apt/ubuntu-archive-keys/F6.asc"], ["test/unit/keyring.test.ts"]],
    [
      "of several files, once each",
      ["maas/b.ts", "maas/a.ts"],
      ["test/contract/process.test.ts", "test/unit/a.test.ts", "test/unit/b.test.ts"],
    ],
  ])("%s", (_, changed, tests) => {
    expect(touchedTests(changed, files)).toEqual({ tests, untested: [] });
  });

  test("which are none where nothing stands on it, and then it is named", () => {
    const { tests, untested } = touchedTests(["maas/maas", "maas/c.ts", "LICENSE"], files);
    expect(tests).toEqual(["test/unit/c.test.ts"]);
    expect(untested).toEqual(["maas/maas", "LICENSE"]);
  });

  test("which are all where everything may behave differently", () => {
    const all = [...files.keys()].filter((path) => path.endsWith(".test.ts")).sort();
    expect(touchedTests(["package-lock.json"], files)).toEqual({ tests: all, untested: [] });
  });
});

describe("in this repository", () => {
  const folders = ["components", "content", "docs", "errors", "hosts", "maas", "resources", "site", "test"];
  const paths = ["index.ts", "Makefile", "README.md", ...["toolchain", "lab", ...folders].flatMap(below)];
  const files = new Map(
    paths.map((path) => [
      path,
      path.endsWith(".ts") ? readFileSync(join(repository, path), "utf8") : undefined,
    ]),
  );

  function below(folder: string): string[] {
    return readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(repository.length + 1));
  }

  test("each rule is about files that are there", () => {
    for (const [what, reader] of readers) {
      expect(paths).toContain(reader);
      expect(paths.some((path) => what.test(path))).toBe(true);
    }
  });

  test("each script that runs on hosts touches tests that need no lab", () => {
    const scripts = paths.filter((path) => /^resources\/.*\.(sh|perl)$/.test(path));
    expect(scripts.length).toBeGreaterThan(15);
    for (const script of scripts) {
      const { tests } = touchedTests([script], files);
      expect([script, tests]).toEqual([
        script,
        expect.arrayContaining([expect.stringMatching(/^test\/(programs|contract)\//)]),
      ]);
    }
  });

  test("a change of the program touches the tests of the whole", () => {
    const { tests } = touchedTests(["index.ts"], files);
    expect(tests).toContain("test/e2e/life-of-a-mirror.test.ts");
  });

  test("a change of one part leaves the tests of others out", () => {
    const { tests } = touchedTests(["maas/api-key.ts"], files);
    expect(tests).toEqual(
      expect.arrayContaining(["test/unit/maas/api-key.test.ts", "test/programs/maas/api-key.test.ts"]),
    );
    expect(tests).not.toContain("test/unit/content/stanzas.test.ts");
  });
});
