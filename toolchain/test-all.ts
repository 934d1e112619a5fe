/**
 * Runs every test there is: lint, unit tests, those with programs and contract tests, then the lab and end-to-end tests on real hosts. The last
 * line it prints is `N passed, N failed, N skipped` of all together; the exit code is 0 only where none failed.
 *
 * From the environment, all optional:
 *   AIRGAPPED_MAAS_TEST_PHASES    which of lint, units, hosts to run, with commas; default all
 *   AIRGAPPED_MAAS_TEST_WORKERS   test files at a time; default 2, on real hosts 3, which wait now and then
 *   AIRGAPPED_MAAS_TEST_SLACK     multiplies the phases' time limits; default 1
 *   AIRGAPPED_MAAS_TEST_LAB       the name of the lab that test files share; default test
 * Labs that were not there before are taken down at the end, but for `demo`.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { labDown, labNames } from "../lab/lab.ts";
import { tracesOf } from "../lab/traces.ts";
import { coverageSummary } from "./coverage.ts";
import { lintSteps } from "./lint-steps.ts";
import { type Ending, endAll, runWithin } from "./phase.ts";
import type { ResultLine } from "./test-reporter.ts";

const root = join(import.meta.dirname, "..");
const scratch = join(root, ".cache", "test-all");
const total = { passed: 0, failed: 0, skipped: 0 };
const coverageFiles: string[] = [];

// Together they stay well below the 90 minutes that continuous integration has for everything.
const minutes = { lint: 5, units: 15, hosts: 50 } as const;
type Phase = keyof typeof minutes;

function limit(phase: Phase): number {
  return minutes[phase] * 60 * Number(process.env.AIRGAPPED_MAAS_TEST_SLACK || 1);
}

async function lint(): Promise<void> {
  for (const argv of lintSteps) {
    const started = Date.now();
    const ending = await runWithin(limit("lint"), argv);
    total[ending === 0 ? "passed" : "failed"] += 1;
    const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(6);
    console.log(`${ending === 0 ? "ok  " : "FAIL"} ${seconds} s  ${argv.join(" ")}${reason(ending)}`);
  }
}

async function jest(phase: Phase, folders: readonly string[]): Promise<void> {
  const results = join(scratch, `${phase}.jsonl`);
  const coverage = join(scratch, "coverage", phase);
  coverageFiles.push(join(coverage, "coverage-final.json"));
  const ending = await runWithin(
    limit(phase),
    [
      process.execPath,
      "--experimental-vm-modules",
      "--disable-warning=ExperimentalWarning",
      "node_modules/jest/bin/jest.js",
      ...folders,
      `--reporters=${join(root, "toolchain/test-reporter.ts")}`,
      `--maxWorkers=${process.env.AIRGAPPED_MAAS_TEST_WORKERS || (phase === "hosts" ? 3 : 2)}`,
      "--coverage",
      "--coverageReporters=json",
      `--coverageDirectory=${coverage}`,
    ],
    { AIRGAPPED_MAAS_TEST_RESULTS: results },
  );
  const lines = existsSync(results) ? readFileSync(results, "utf8").split("\n").filter(Boolean) : [];
  const unfinished = new Set<string>();
  let failed = 0;
  for (const line of lines.map((text) => JSON.parse(text) as ResultLine)) {
    if ("started" in line) unfinished.add(line.started);
    else {
      unfinished.delete(line.finished);
      failed += line.failed;
      total.passed += line.passed;
      total.skipped += line.skipped;
    }
  }
  for (const file of unfinished) console.log(`FAIL did not end: ${file}`);
  failed += unfinished.size;
  // Jest itself failed: no test was found, its configuration is wrong, it was ended between two files.
  if (ending !== 0 && failed === 0) {
    failed = 1;
    console.log(`FAIL jest ${folders.join(" ")}${reason(ending)}`);
  }
  total.failed += failed;
}

function reason(ending: Ending): string {
  if (ending === 0) return "";
  if (ending === "cut off") return " took longer than it may and was ended";
  return typeof ending === "number" ? ` ended with ${ending}` : ` was ended by ${ending}`;
}

/** Ends the labs that the tests left; what then is still there of them is a failed test. */
async function labsDown(before: ReadonlySet<string>): Promise<void> {
  for (const name of labNames().filter((each) => !before.has(each) && each !== "demo")) {
    try {
      await labDown(name);
      const traces = await tracesOf(name);
      if (traces.length === 0) continue;
      console.log(`FAIL the lab ${name} left behind:\n  ${traces.join("\n  ")}`);
    } catch (error) {
      console.log(`FAIL the lab ${name} does not go down: ${error}`);
    }
    total.failed += 1;
  }
}

async function main(): Promise<void> {
  process.chdir(root);
  const phases = (process.env.AIRGAPPED_MAAS_TEST_PHASES || "lint,units,hosts").split(",");
  const setUp = spawnSync("toolchain/set-up", ["packages"], { stdio: "inherit" });
  if (setUp.status !== 0) {
    process.exitCode = 1;
    return;
  }
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  const before = new Set(labNames());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      endAll();
      void labsDown(before).finally(() => process.exit(1));
    });
  }
  const heading = (phase: string) => console.log(`\n== ${phase}`);
  if (phases.includes("lint")) {
    heading("lint");
    await lint();
  }
  if (phases.includes("units")) {
    heading("unit tests, tests with programs, contract tests");
    await jest("units", ["test/unit", "test/programs", "test/contract"]);
  }
  if (phases.includes("hosts")) {
    heading("lab and end-to-end tests, on real hosts");
    await jest("hosts", ["test/lab", "test/e2e"]);
  }
  await labsDown(before);
  if (coverageFiles.length > 0) console.log(`\n${coverageSummary(coverageFiles, root)}\n`);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

await main();
