/** Runs all steps of lint, also after a failed step. Exits with 1 if a step failed. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { lintSteps } from "./steps.ts";

process.chdir(join(import.meta.dirname, "../.."));
for (const [program, ...rest] of lintSteps) {
  const { status, error } = spawnSync(program, rest, { stdio: "inherit" });
  if (status === 0) continue;
  console.error(`FAIL ${[program, ...rest].join(" ")}${error ? `: ${error.message}` : ""}`);
  process.exitCode = 1;
}
