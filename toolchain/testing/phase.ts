import { spawn } from "node:child_process";
import { once } from "node:events";

/** How a command ended: its exit code, or the reason why it has none. */
export type Ending = number | "cut off" | NodeJS.Signals;

const running = new Set<number>();

/**
 * Runs a command in a separate process group and prints its output. Ends the whole group after `seconds` and then returns
 * "cut off".
 */
export async function runWithin(
  seconds: number,
  argv: readonly [string, ...string[]],
  environment: NodeJS.ProcessEnv = {},
): Promise<Ending> {
  const [program, ...rest] = argv;
  const child = spawn(program, rest, {
    detached: true,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals]>;
  await once(child, "spawn");
  const group = child.pid as number;
  running.add(group);
  let cutOff = false;
  const limit = setTimeout(() => {
    cutOff = true;
    endGroup(group, "SIGTERM");
    setTimeout(() => endGroup(group, "SIGKILL"), 10_000).unref();
  }, seconds * 1000);
  const [code, signal] = await ended;
  clearTimeout(limit);
  running.delete(group);
  // No process of a test continues after its phase.
  endGroup(group, "SIGKILL");
  return cutOff ? "cut off" : (code ?? signal);
}

/** Ends all running groups, for use when this process is ended by a signal. */
export function endAll(): void {
  for (const group of running) endGroup(group, "SIGKILL");
}

function endGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // The group has ended.
  }
}
