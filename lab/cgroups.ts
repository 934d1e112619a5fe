import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { until } from "./until.ts";

/** The roots of cgroup version 2: the only hierarchy, or mounted beside systemd's hierarchy of version 1. */
const hierarchies = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup"].filter((root) =>
  existsSync(join(root, "cgroup.procs")),
);

/** All processes in a control group and below. */
export function processesIn(cgroup: string): number[] {
  const found = new Set<number>();
  for (const root of hierarchies) {
    for (const directory of withBelow(join(root, cgroup))) {
      for (const line of readOr(join(directory, "cgroup.procs"), "").split("\n")) {
        if (line !== "") found.add(Number(line));
      }
    }
  }
  return [...found];
}

/** The process that is PID 1 in a container running in this control group, or undefined. */
export function leaderIn(cgroup: string): number | undefined {
  return processesIn(cgroup).find((pid) => /^NSpid:\t\d+\t1$/m.test(readOr(`/proc/${pid}/status`, "")));
}

/** Kills all processes in a control group. Removes the group when the last process has ended. */
export async function endCgroup(cgroup: string): Promise<void> {
  for (;;) {
    const pids = processesIn(cgroup);
    if (pids.length === 0) break;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended in the meantime.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  for (const root of hierarchies) {
    for (const directory of withBelow(join(root, cgroup)).reverse()) {
      await until(`the end of ${directory}`, 10_000, () => {
        try {
          rmdirSync(directory);
          return true;
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code === "ENOENT") return true;
          if (code === "EBUSY") return false; // the kernel has not reaped its last process yet
          throw error;
        }
      });
    }
  }
}

/** The names of the control groups directly below one. */
export function cgroupsBelow(cgroup: string): string[] {
  const names = new Set<string>();
  for (const root of hierarchies) {
    for (const name of directoriesIn(join(root, cgroup))) names.add(name);
  }
  return [...names];
}

function withBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return [directory, ...directoriesIn(directory).flatMap((name) => withBelow(join(directory, name)))];
}

function directoriesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return otherwise;
  }
}
