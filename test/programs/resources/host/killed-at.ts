import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../../../lab/until.ts";
import { runsInGroup } from "../../../processes.ts";

/** Makes programs, below a directory, that count their starts and can kill the whole process group. */
export function countedPrograms(root: string, programs: readonly string[]): void {
  mkdirSync(join(root, "programs"));
  for (const program of programs) {
    const path = execFileSync("which", [program], { encoding: "utf8" }).trim();
    // The shell, its subshells and this wrapper are one process group, so all are killed.
    const wrapper = `#!/bin/sh
count=$(($(/bin/cat "$COUNT") + 1))
echo "$count" >"$COUNT"
if [ "$count" -eq "$KILL_AT" ]; then kill -9 0; fi
exec ${path} "$@"
`;
    writeFileSync(join(root, "programs", program), wrapper, { mode: 0o755 });
  }
}

/** Runs a script and kills it before it starts its nth counted program. Returns whether it was reached. */
export async function killedAt(root: string, nth: number, script: string): Promise<boolean> {
  const count = join(root, "count");
  writeFileSync(count, "0\n");
  const env = { PATH: `${join(root, "programs")}:${process.env.PATH}`, COUNT: count, KILL_AT: String(nth) };
  const shell = spawn("sh", [], { env, detached: true, stdio: ["pipe", "ignore", "ignore"] });
  shell.stdin.on("error", () => {}).end(script);
  const signal = await new Promise((done) => shell.on("close", (_, by) => done(by)));
  // The other processes of the group end a moment later, and until then they hold the script's lock.
  await until("the end of the script's processes", 20_000, () => !runsInGroup(shell.pid as number));
  return signal === "SIGKILL";
}
