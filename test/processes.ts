import { readdirSync, readFileSync } from "node:fs";

/** A process of this machine and its data. */
interface Process {
  readonly pid: number;
  /** One letter of proc(5): `Z` is a zombie. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
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
        const [state = "", parent, group] = status.slice(status.lastIndexOf(")") + 2).split(" ");
        return [{ pid: Number(entry), state, parent: Number(parent), group: Number(group), command }];
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

/** Whether a process of this group has not ended. */
export function runsInGroup(wanted: number): boolean {
  return processes().some(({ group, state }) => group === wanted && state !== "Z" && state !== "X");
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
