import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

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
  while (runsIn(shell.pid as number)) await new Promise(setImmediate);
  return signal === "SIGKILL";
}

/** Whether a process of this group has not ended. */
function runsIn(group: number): boolean {
  return readdirSync("/proc").some((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      // proc(5): "pid (name) state parent group ...". The name may contain anything.
      const [state, , its] = readFileSync(`/proc/${pid}/stat`, "latin1")
        .replace(/^.*\) /s, "")
        .split(" ");
      return Number(its) === group && state !== "Z" && state !== "X";
    } catch {
      return false; // It has ended just now.
    }
  });
}
