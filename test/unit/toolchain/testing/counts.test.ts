import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { coverageSummary } from "../../../../toolchain/testing/coverage.ts";
import { countsOf } from "../../../../toolchain/testing/reporter.ts";

const none = { numPassingTests: 0, numFailingTests: 0, numPendingTests: 0, numTodoTests: 0, skipped: false };

test("a test file that cannot start counts as one failed test", () => {
  expect(countsOf({ ...none, testExecError: new SyntaxError("x") })).toEqual({
    passed: 0,
    failed: 1,
    skipped: 0,
  });
});

test("skipped tests and todo tests both count as skipped", () => {
  const result = { ...none, numPassingTests: 4, numFailingTests: 2, numPendingTests: 1, numTodoTests: 2 };
  expect(countsOf(result)).toEqual({ passed: 4, failed: 2, skipped: 3 });
});

test("code that any of the runs reached counts once as covered", () => {
  const folder = mkdtempSync(join(tmpdir(), "airgapped-maas-test-"));
  const run = (name: string, s: Record<string, number>) => {
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify({ "/p/hosts/a.ts": { s, f: { 0: 1 }, b: { 0: [0, 2] } } }));
    return file;
  };
  try {
    const files = [run("units", { 0: 1, 1: 0, 2: 0, 3: 0 }), run("hosts", { 0: 1, 1: 5, 2: 1, 3: 0 })];
    const [, hosts] = coverageSummary([...files, join(folder, "missing")], "/p").split("\n");
    expect(hosts?.split(/\s{2,}/)).toEqual(["hosts", "75.0 %", "100.0 %", "50.0 %"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
