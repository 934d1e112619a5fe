import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { readers, touchedTests } from "../../../../toolchain/testing/touched-tests.ts";

const repository = join(import.meta.dirname, "../../../..");

describe("a changed file selects", () => {
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
    ["itself when it is a test", ["test/unit/a.test.ts"], ["test/unit/a.test.ts"]],
    [
      "the tests that import it, also through others but not as a type, or start it as a program",
      ["maas/a.ts"],
      ["test/contract/process.test.ts", "test/unit/a.test.ts", "test/unit/b.test.ts"],
    ],
    ["the tests that import it through another module", ["maas/c.ts"], ["test/unit/c.test.ts"]],
    [
      "the tests of the module that embeds it when it is a script, and the tests that read it",
      ["maas/run.sh"],
      ["test/programs/run.test.ts", "test/programs/text.test.ts"],
    ],
    [
      "the tests of the module that reads its folder",
      ["content/apt/ubuntu-archive-keys/F6.asc"],
      ["test/unit/keyring.test.ts"],
    ],
    [
      "each test once, when several files changed",
      ["maas/b.ts", "maas/a.ts"],
      ["test/contract/process.test.ts", "test/unit/a.test.ts", "test/unit/b.test.ts"],
    ],
  ])("%s", (_, changed, tests) => {
    expect(touchedTests(changed, files)).toEqual({ tests, untested: [] });
  });

  test("no test when nothing uses it, and is then reported as untested", () => {
    const { tests, untested } = touchedTests(["maas/maas", "maas/c.ts", "LICENSE"], files);
    expect(tests).toEqual(["test/unit/c.test.ts"]);
    expect(untested).toEqual(["maas/maas", "LICENSE"]);
  });

  test("all tests when it can change everything", () => {
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

  test("each rule names an existing reader and matches an existing file", () => {
    for (const [what, reader] of readers) {
      expect(paths).toContain(reader);
      expect(paths.some((path) => what.test(path))).toBe(true);
    }
  });

  test("each script that runs on hosts selects a test that needs no lab", () => {
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

  test("a change of index.ts selects the test of the whole program", () => {
    const { tests } = touchedTests(["index.ts"], files);
    expect(tests).toContain("test/e2e/life-of-a-mirror.test.ts");
  });

  test("a change of one part does not select the tests of other parts", () => {
    const { tests } = touchedTests(["maas/api-key.ts"], files);
    expect(tests).toEqual(
      expect.arrayContaining(["test/unit/maas/api-key.test.ts", "test/programs/maas/api-key.test.ts"]),
    );
    expect(tests).not.toContain("test/unit/content/stanzas.test.ts");
  });
});
