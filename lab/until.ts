import { ExplainedError } from "../errors/explained-error.ts";

/** Checks a condition every 10 ms until it is true. Throws after `timeout` milliseconds. */
export async function until(
  what: string,
  timeout: number,
  isReached: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = Date.now() + timeout;
  while (!(await isReached())) {
    if (Date.now() > end) {
      throw new ExplainedError({
        step: `waiting for ${what}`,
        found: `the condition was not reached within ${timeout / 1000} s`,
        remedy:
          "See the host's console.log in the lab's directory; then run: node lab/main.ts down, and up again.",
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
