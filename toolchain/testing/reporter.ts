import { appendFileSync } from "node:fs";
import { relative } from "node:path";

/** The lines of JSON that `jest-run.ts` reads. They exist also after a run that was cut off. */
export type ResultLine =
  | { readonly started: string }
  | {
      readonly finished: string;
      /** Its duration. */
      readonly seconds: number;
      readonly passed: number;
      readonly failed: number;
      readonly skipped: number;
    };

/** The parts of Jest's `TestResult` that are used here. */
interface FileResult {
  readonly numPassingTests: number;
  readonly numFailingTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly skipped: boolean;
  readonly testExecError?: unknown;
  readonly failureMessage?: string | null;
  readonly console?: readonly { readonly type: string; readonly message: string }[] | undefined;
}

/**
 * A Jest reporter for logs. When a test file ends, it prints one line with the seconds and counts, and then all failures in
 * full. It also appends `ResultLine`s to the file named by AIRGAPPED_MAAS_TEST_RESULTS.
 */
export default class TestReporter {
  readonly #started = new Map<string, number>();

  onTestFileStart({ path }: { path: string }): void {
    this.#started.set(path, Date.now());
    record({ started: relative(process.cwd(), path) });
  }

  onTestFileResult({ path }: { path: string }, result: FileResult): void {
    const name = relative(process.cwd(), path);
    const counts = countsOf(result);
    const seconds = (Date.now() - (this.#started.get(path) ?? Date.now())) / 1000;
    record({ finished: name, seconds, ...counts });
    console.log(
      `${counts.failed > 0 ? "FAIL" : "ok  "} ${seconds.toFixed(1).padStart(6)} s  ${name}: ${inWords(counts)}`,
    );
    if (counts.failed === 0) return;
    for (const { type, message } of result.console ?? []) console.log(`  console.${type}: ${message}`);
    console.log(result.failureMessage ?? String(result.testExecError));
  }

  /** Ends Jest also if a test left a handle open. */
  onRunComplete(_files: unknown, { success }: { success: boolean }): void {
    setTimeout(() => {
      console.log(
        "A test left an open handle that prevents Jest from ending. Find it with --detectOpenHandles.",
      );
      process.exit(success ? 0 : 1);
    }, 60_000).unref();
  }
}

/** A file that could not start, or that failed outside its tests, counts as one failed test. */
export function countsOf(result: FileResult): { passed: number; failed: number; skipped: number } {
  const brokeOutside = result.testExecError !== undefined && result.numFailingTests === 0;
  return {
    passed: result.numPassingTests,
    failed: result.numFailingTests + (brokeOutside ? 1 : 0),
    skipped: result.numPendingTests + result.numTodoTests,
  };
}

function inWords({ passed, failed, skipped }: { passed: number; failed: number; skipped: number }): string {
  const parts = [`${passed} passed`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return parts.join(", ");
}

function record(line: ResultLine): void {
  const file = process.env.AIRGAPPED_MAAS_TEST_RESULTS;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
}
