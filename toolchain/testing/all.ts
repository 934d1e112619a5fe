/**
 * Runs all tests: lint, unit tests, tests with programs and contract tests, then the lab and end-to-end tests on real hosts.
 * The last line is `N passed, N failed, N skipped` in total. The exit code is 0 only if no test failed.
 *
 * Environment variables, all optional:
 *   AIRGAPPED_MAAS_TEST_PHASES    the phases to run, of lint, units, hosts, separated by commas; default all
 *   AIRGAPPED_MAAS_TEST_WORKERS   test files in parallel; default 2 for each processor, because many tests wait
 *   AIRGAPPED_MAAS_TEST_SLACK     multiplies the phases' time limits; default 1
 *   AIRGAPPED_MAAS_TEST_COVERAGE  1: also measures how much of the code in Jest's processes the tests run. The unit tests then
 *                                 take a third longer.
 *   AIRGAPPED_MAAS_TEST_LAB       the name of the lab that test files share; default test
 *   AIRGAPPED_MAAS_TEST_IN_MEMORY 0: temporary files and the disks of the lab's hosts are on this machine's disk. Otherwise they
 *                                 are in memory, if the machine has at least 8 GiB available.
 * Labs that the tests started are stopped at the end, except `demo`.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, freemem, tmpdir } from "node:os";
import { join } from "node:path";
import { labDown, labNames } from "../../lab/lab.ts";
import { tracesOf } from "../../lab/traces.ts";
import { lintSteps } from "../lint/steps.ts";
import { coverageSummary } from "./coverage.ts";
import { type Counts, inAll, runChecks, runJest } from "./jest-run.ts";
import { endAll } from "./phase.ts";

const root = join(import.meta.dirname, "../..");
const scratch = join(root, ".cache", "test-all");
const coverageFiles: string[] = [];

// Together they are well below the limit of continuous integration, 90 minutes.
const minutes = { lint: 5, units: 15, hosts: 50 } as const;
type Phase = keyof typeof minutes;

function limit(phase: Phase): number {
  return minutes[phase] * 60 * Number(process.env.AIRGAPPED_MAAS_TEST_SLACK || 1);
}

function lint(): Promise<Counts> {
  return runChecks(lintSteps, limit("lint"));
}

function jest(phase: Phase, folders: readonly string[]): Promise<Counts> {
  return runJest({
    argv: [...folders, ...(process.env.AIRGAPPED_MAAS_TEST_COVERAGE === "1" ? coverageOf(phase) : [])],
    seconds: limit(phase),
    workers: Number(process.env.AIRGAPPED_MAAS_TEST_WORKERS || 2 * availableParallelism()),
    results: join(scratch, `${phase}.jsonl`),
  });
}

function coverageOf(phase: Phase): string[] {
  const directory = join(scratch, "coverage", phase);
  coverageFiles.push(join(directory, "coverage-final.json"));
  return ["--coverage", "--coverageReporters=json", `--coverageDirectory=${directory}`];
}

/**
 * Puts the temporary files of the tests, and the disks of the lab's hosts, in memory: the tests write and delete many small
 * files, for which a disk's file system takes a fifth of their time. Returns what removes the files.
 */
function inMemory(): () => void {
  // On Linux this is the available memory, not only the unused one.
  const gibibytes = freemem() / 2 ** 30;
  if (process.env.AIRGAPPED_MAAS_TEST_IN_MEMORY === "0" || gibibytes < 8) return () => {};
  const directory = mkdtempSync(join(tmpdir(), "airgapped-maas-tests-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "mode=1777", "tests", directory]).status === 0;
  if (mounted) Object.assign(process.env, { TMPDIR: directory, AIRGAPPED_MAAS_LAB_IN_MEMORY: "1" });
  return () => {
    if (mounted) spawnSync("umount", ["--lazy", directory]);
    rmSync(directory, { recursive: true, force: true });
  };
}

/** Stops the labs that the tests left. A lab with remaining traces counts as one failed test. */
async function labsDown(before: ReadonlySet<string>): Promise<Counts> {
  let failed = 0;
  for (const name of labNames().filter((each) => !before.has(each) && each !== "demo")) {
    try {
      await labDown(name);
      const traces = await tracesOf(name);
      if (traces.length === 0) continue;
      console.log(`FAIL the lab ${name} left traces:\n  ${traces.join("\n  ")}`);
    } catch (error) {
      console.log(`FAIL the lab ${name} could not be stopped: ${error}`);
    }
    failed += 1;
  }
  return { passed: 0, failed, skipped: 0 };
}

async function main(): Promise<void> {
  process.chdir(root);
  const phases = (process.env.AIRGAPPED_MAAS_TEST_PHASES || "lint,units,hosts").split(",");
  const unknown = phases.filter((phase) => !Object.hasOwn(minutes, phase));
  if (unknown.length > 0) {
    console.error(
      `AIRGAPPED_MAAS_TEST_PHASES: there is no phase ${unknown}. Phases: ${Object.keys(minutes).join(", ")}.`,
    );
    process.exitCode = 1;
    return;
  }
  const setUp = spawnSync("toolchain/set-up", ["packages"], { stdio: "inherit" });
  if (setUp.status !== 0) {
    process.exitCode = 1;
    return;
  }
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  const before = new Set(labNames());
  const freeMemory = inMemory();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      endAll();
      void labsDown(before).finally(() => {
        freeMemory();
        process.exit(1);
      });
    });
  }
  const parts: Counts[] = [];
  const heading = (phase: string) => console.log(`\n== ${phase}`);
  if (phases.includes("lint")) {
    heading("lint");
    parts.push(await lint());
  }
  if (phases.includes("units")) {
    heading("unit tests, tests with programs, contract tests");
    parts.push(await jest("units", ["test/unit", "test/programs", "test/contract"]));
  }
  if (phases.includes("hosts")) {
    heading("lab and end-to-end tests, on real hosts");
    parts.push(await jest("hosts", ["test/lab", "test/e2e"]));
  }
  parts.push(await labsDown(before));
  freeMemory();
  if (coverageFiles.length > 0) console.log(`\n${coverageSummary(coverageFiles, root)}\n`);
  const { passed, failed, skipped } = inAll(parts);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
