import { readdirSync, readFileSync } from "node:fs";

/** The maximum resident memory of each kind of process, in MB of 10^6 bytes. */
export interface Peaks {
  /** The stack's program. */
  readonly program: number;
  /** The provider process of the resources. */
  readonly provider: number;
}

/** The environment variable that marks the processes of a stack. */
export const markName = "BENCH_STACK";

const interval = 50;

/** Runs a function and returns the maximum memory of the stack's program and provider during it. */
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
  // Processes that exist already are not the stack's.
  const before = new Set(readdirSync("/proc"));
  const timer = setInterval(look, interval);
  try {
    return [await work(), peaks];
  } finally {
    clearInterval(timer);
  }
}

/**
 * After fork, a process has its parent's command line until exec. If the kind is unknown, it is read again.
 */
function kindOf(pid: string, mark: string): keyof Peaks | undefined {
  if (!read(`/proc/${pid}/environ`).split("\0").includes(`${markName}=${mark}`)) return undefined;
  const line = read(`/proc/${pid}/cmdline`);
  if (line.includes("dynamic-provider")) return "provider";
  return line.includes("/cmd/run") ? "program" : undefined;
}

/** VmHWM of proc(5) is in kB of 1024 bytes. It never decreases. */
function peakOf(pid: string): number {
  return (Number(/^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024) / 1e6;
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // It has ended in the meantime.
    return "";
  }
}

/**
 * Runs a function and returns the maximum memory, in MB, of all processes together that `which` finds during
 * it.
 */
export async function residentDuring<T>(
  which: () => readonly number[],
  work: () => Promise<T>,
): Promise<[T, number]> {
  let most = 0;
  // Processes that exist already are not measured.
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

/** The processes of this machine that have a mark. */
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
