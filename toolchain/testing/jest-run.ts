import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Ending, runWithin } from "./phase.ts";
import type { ResultLine } from "./reporter.ts";

/** The number of tests by result. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface JestRun {
  /** Jest's arguments: folders, or `--runTestsByPath` with files; other options. */
  readonly argv: readonly string[];
  /** The time limit. */
  readonly seconds: number;
  /** The number of test files that run in parallel. */
  readonly workers: number;
  /** The file for the results, in JSON lines. An existing file is deleted. */
  readonly results: string;
}

const root = join(import.meta.dirname, "../..");

/**
 * Runs Jest and prints a line for each test file. A file that does not end counts as one failed test. If Jest fails but no
 * test did, that counts as one failed test too.
 */
export async function runJest({ argv, seconds, workers, results }: JestRun): Promise<Counts> {
  rmSync(results, { force: true });
  mkdirSync(dirname(results), { recursive: true });
  const ending = await runWithin(
    seconds,
    [
      process.execPath,
      "--experimental-vm-modules",
      "--disable-warning=ExperimentalWarning",
      join(root, "node_modules/jest/bin/jest.js"),
      ...argv,
      `--reporters=${join(root, "toolchain/testing/reporter.ts")}`,
      `--maxWorkers=${workers}`,
    ],
    { AIRGAPPED_MAAS_TEST_RESULTS: results },
  );
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const unfinished = new Set<string>();
  const lines = existsSync(results) ? readFileSync(results, "utf8").split("\n").filter(Boolean) : [];
  for (const line of lines.map((text) => JSON.parse(text) as ResultLine)) {
    if ("started" in line) unfinished.add(line.started);
    else {
      unfinished.delete(line.finished);
      counts.passed += line.passed;
      counts.failed += line.failed;
      counts.skipped += line.skipped;
    }
  }
  for (const file of unfinished) console.log(`FAIL (did not end): ${file}`);
  counts.failed += unfinished.size;
  // No test was found, the configuration is wrong, or Jest was ended between two files.
  if (ending !== 0 && counts.failed === 0) {
    counts.failed = 1;
    console.log(`FAIL jest ${argv.join(" ")}${reason(ending)}`);
  }
  return counts;
}

/** Runs commands one after the other. Each counts as one test, which passes if it exits with 0. */
export async function runChecks(
  commands: readonly (readonly [string, ...string[]])[],
  seconds: number,
): Promise<Counts> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const argv of commands) {
    const started = Date.now();
    const ending = await runWithin(seconds, argv);
    counts[ending === 0 ? "passed" : "failed"] += 1;
    const took = ((Date.now() - started) / 1000).toFixed(1).padStart(6);
    console.log(`${ending === 0 ? "ok  " : "FAIL"} ${took} s  ${argv.join(" ")}${reason(ending)}`);
  }
  return counts;
}

/** The total of all parts, for the last line. */
export function inAll(parts: readonly Counts[]): Counts {
  const sum = (count: (part: Counts) => number) => parts.reduce((total, part) => total + count(part), 0);
  return {
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed),
    skipped: sum(({ skipped }) => skipped),
  };
}

function reason(ending: Ending): string {
  if (ending === 0) return "";
  if (ending === "cut off") return " exceeded its time limit and was ended";
  return typeof ending === "number" ? ` ended with ${ending}` : ` was ended by ${ending}`;
}
