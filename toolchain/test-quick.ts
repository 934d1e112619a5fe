/**
 * Lint, and those tests that a change touches and that run on this machine: of test/unit, test/programs and
 * test/contract. Says what it ran and what it left out; the last line is `N passed, N failed, N skipped`, and the exit
 * code 0 only where none failed. A change is what differs between the working tree, with what git does not know yet,
 * and where the branch left its upstream, or origin's; without these, the last commit.
 *
 * From the environment, all optional:
 *   SINCE                         the commit to compare with
 *   AIRGAPPED_MAAS_TEST_WORKERS   test files at a time; default 2
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inAll, runChecks, runJest } from "./jest-run.ts";
import { lintSteps } from "./lint-steps.ts";
import { endAll } from "./phase.ts";
import { touchedTests } from "./touched-tests.ts";

const root = join(import.meta.dirname, "..");
const here = /^test\/(unit|programs|contract)\//;

/** What git says, or undefined where it refuses. */
function git(...argv: string[]): string | undefined {
  const { status, stdout } = spawnSync("git", argv, { cwd: root, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

function since(): string {
  const given = process.env.SINCE;
  if (given) {
    const commit = git("rev-parse", "--verify", "--quiet", `${given}^{commit}`);
    if (commit !== undefined) return commit;
    console.error(`SINCE=${given} is no commit here.`);
    process.exit(1);
  }
  return git("merge-base", "HEAD", "@{upstream}") ?? git("merge-base", "HEAD", "origin/HEAD") ?? "HEAD";
}

/** Paths, as git lists them between NULs. */
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
    console.log(`\n== ${chosen.length} of the ${all.length} test files that need no lab`);
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
    console.log(`Left out, since they need the lab (make test runs all):\n  ${leftOut.join("\n  ")}`);
  }
  if (untested.length > 0) console.log(`No test stands on:\n  ${untested.join("\n  ")}`);
  const { passed, failed, skipped } = inAll(parts);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
