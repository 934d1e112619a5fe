import { readdirSync, readFileSync } from "node:fs";

/** The most memory that each kind of process had resident, in MB of 10^6 bytes. */
export interface Peaks {
  /** The stack's program. */
  readonly program: number;
  /** The process that the resources are worked on in. */
  readonly provider: number;
}

/** What marks the processes of a stack: a variable of their environment. */
export const markName = "BENCH_STACK";

const interval = 50;

/** Does something and says what memory the stack's program and provider had at most meanwhile. */
export async function peaksDuring<T>(mark: string, work: () => Promise<T>): Promise<[T, Peaks]> {
  const kinds = new Map<string, keyof Peaks | undefined>();
  const peaks = { program: 0, provider: 0 };
  const look = () => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      if (before.has(pid)) continue;
      const kind = kinds.get(pid) ?? kindOf(pid, mark);
      kinds.set(pid, kind);
      if (kind) peaks[kind] = Math.max(peaks[kind], peakOf(pid));
    }
  };
  // Of processes that were there before, none is the stack's.
  const before = new Set(readdirSync("/proc"));
  const timer = setInterval(look, interval);
  try {
    return [await work(), peaks];
  } finally {
    clearInterval(timer);
  }
}

/** The command line is known when the process is another's no longer: until then it is looked at again. */
function kindOf(pid: string, mark: string): keyof Peaks | undefined {
  if (!read(`/proc/${pid}/environ`).split("\0").includes(`${markName}=${mark}`)) return undefined;
  const line = read(`/proc/${pid}/cmdline`);
  if (line.includes("dynamic-provider")) return "provider";
  return line.includes("/cmd/run") ? "program" : undefined;
}

/** VmHWM of proc(5) is in kB of 1024 bytes, and never falls. */
function peakOf(pid: string): number {
  return (Number(/^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024) / 1e6;
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // It has ended meanwhile.
    return "";
  }
}

/** Does something and says how much memory the processes that `which` finds had resident together at most meanwhile, in MB. */
export async function residentDuring<T>(
  which: () => readonly number[],
  work: () => Promise<T>,
): Promise<[T, number]> {
  let most = 0;
  // Of processes that were there before, none is what is measured.
  const before = new Set(which());
  const look = () => {
    const resident = which()
      .filter((pid) => !before.has(pid))
      .map((pid) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0));
    most = Math.max(most, (resident.reduce((sum, each) => sum + each, 0) * 1024) / 1e6);
  };
  const timer = setInterval(look, interval);
  try {
    return [await work(), most];
  } finally {
    clearInterval(timer);
  }
}

/** The processes of this machine that bear a mark. */
export function markedProcesses(mark: string): () => readonly number[] {
  const known = new Map<string, boolean>();
  return () =>
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        const marked =
          known.get(pid) ?? read(`/proc/${pid}/environ`).split("\0").includes(`${markName}=${mark}`);
        known.set(pid, marked);
        return marked;
      })
      .map(Number);
}
