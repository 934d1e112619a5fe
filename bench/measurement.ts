import { ExplainedError } from "../errors/explained-error.ts";
import { type CommandOptions, tryCommand } from "../lab/command.ts";

/** Seconds of wall time. */
export type Seconds = number;

/** Runs a program and returns how long it took. Throws with the end of its output if it fails. */
export async function timed(argv: readonly string[], options: CommandOptions = {}): Promise<Seconds> {
  const start = performance.now();
  const { code, stdout, stderr } = await tryCommand(argv, options);
  const seconds = (performance.now() - start) / 1000;
  if (code !== 0) {
    throw new ExplainedError({
      step: `measuring ${argv.join(" ").slice(0, 200)}`,
      found: `exit code ${code}: ${`${stdout}\n${stderr}`.trim().slice(-3000)}`,
      remedy: "The measured program must work. Run it by hand to find the cause.",
    });
  }
  return seconds;
}

/** The median of some values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(middle)] ?? low;
  return (low + high) / 2;
}

/** Prints the progress to standard error, because a bench has no other output for minutes. */
export function say(text: string): void {
  console.error(`bench: ${text}`);
}
