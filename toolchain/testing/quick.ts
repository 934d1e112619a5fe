/**
 * Lint, and the tests of test/unit, test/programs and test/contract that a change concerns. Prints which tests it ran and
 * which it did not. The last line is `N passed, N failed, N skipped`. The exit code is 0 only if no test failed. The change
 * is the difference between the working tree, with its untracked files, and the commit at which the branch left its
 * upstream or origin's default branch. If neither exists, it is the difference from the last commit.
 *
 * Environment variables, all optional:
 *   SINCE                         the commit to compare with
 *   AIRGAPPED_MAAS_TEST_WORKERS   test files in parallel; default 2
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lintSteps } from "../lint/steps.ts";
import { inAll, runChecks, runJest } from "./jest-run.ts";
import { endAll } from "./phase.ts";
import { touchedTests } from "./touched-tests.ts";

const root = join(import.meta.dirname, "../..");
const here = /^test\/(unit|programs|contract)\//;

/** The output of git, or undefined if it fails. */
function git(...argv: string[]): string | undefined {
  const { status, stdout } = spawnSync("git", argv, { cwd: root, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

function since(): string {
  const given = process.env.SINCE;
  if (given) {
    const commit = git("rev-parse", "--verify", "--quiet", `${given}^{commit}`);
    if (commit !== undefined) return commit;
    console.error(`SINCE=${given} is not a commit of this repository.`);
    process.exit(1);
  }
  return git("merge-base", "HEAD", "@{upstream}") ?? git("merge-base", "HEAD", "origin/HEAD") ?? "HEAD";
}

/** Paths from git's output with NUL separators. */
const listed = (text: string | undefined) => (text ?? "").split("\0").filter(Boolean);

function counted(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

async function main(): Promise<void> {
  process.chdir(root);
  const commit = since();
  const unknown = listed(git("ls-files", "-z", "--others", "--exclude-standard"));
  const changed = [...listed(git("diff", "-z", "--name-only", "--diff-filter=d", commit)), ...unknown].sort();
  console.log(
    `${counted(changed.length, "file")} changed since ${git("log", "-1", "--format=%h (%s)", commit)}`,
  );
  if (changed.length === 0) return;
  const deleted = new Set(listed(git("ls-files", "-z", "--deleted")));
  const present = [...listed(git("ls-files", "-z", "--cached")), ...unknown].filter(
    (path) => !deleted.has(path),
  );
  const files = new Map(
    present.map((path) => [path, path.endsWith(".ts") ? readFileSync(path, "utf8") : undefined]),
  );
  const { tests, untested } = touchedTests(changed, files);
  const chosen = tests.filter((test) => here.test(test));
  const leftOut = tests.filter((test) => !here.test(test));

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      endAll();
      process.exit(1);
    });
  }
  console.log("\n== lint");
  const parts = [await runChecks(lintSteps, 300)];
  if (chosen.length > 0) {
    const all = present.filter((path) => path.endsWith(".test.ts") && here.test(path));
    console.log(`\n== ${chosen.length} of the ${all.length} test files that do not need the lab`);
    parts.push(
      await runJest({
        argv: ["--runTestsByPath", ...chosen],
        seconds: 900,
        workers: Number(process.env.AIRGAPPED_MAAS_TEST_WORKERS || 2),
        results: join(root, ".cache/test-quick/results.jsonl"),
      }),
    );
  }
  console.log("");
  if (leftOut.length > 0) {
    console.log(`Not run, because they need the lab (make test runs all):\n  ${leftOut.join("\n  ")}`);
  }
  if (untested.length > 0) console.log(`No test depends on:\n  ${untested.join("\n  ")}`);
  const { passed, failed, skipped } = inAll(parts);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
