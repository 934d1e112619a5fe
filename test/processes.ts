import { readdirSync, readFileSync } from "node:fs";

/** A process of this machine and its data. */
interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

function processes(): Process[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        const status = readFileSync(`/proc/${entry}/stat`, "utf8");
        const command = readFileSync(`/proc/${entry}/cmdline`, "utf8").replaceAll("\0", " ");
        // The program's name before this part may have blanks and brackets.
        const parent = Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]);
        return [{ pid: Number(entry), parent, command }];
      } catch {
        return []; // it has ended
      }
    });
}

/** The processes below one whose command line matches. */
export function descendants(ancestor: number, command: RegExp): number[] {
  const all = processes();
  const below = new Set([ancestor]);
  for (let before = 0; before !== below.size; ) {
    before = below.size;
    for (const { pid, parent } of all) if (below.has(parent)) below.add(pid);
  }
  return all.filter((each) => below.has(each.pid) && command.test(each.command)).map(({ pid }) => pid);
}

/** The processes that were started with this environment variable, with any parent. */
export function startedWith(variable: string): number[] {
  return processes()
    .filter(({ pid }) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(variable);
      } catch {
        return false;
      }
    })
    .map(({ pid }) => pid);
}
