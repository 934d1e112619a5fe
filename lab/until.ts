import { ExplainedError } from "../errors/explained-error.ts";

/** Asks again and again, every 10 ms, until a condition holds. Throws after so many milliseconds. */
export async function until(
  what: string,
  timeout: number,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = Date.now() + timeout;
  while (!(await holds())) {
    if (Date.now() > end) {
      throw new ExplainedError({
        step: `waiting for ${what}`,
        found: `nothing within ${timeout / 1000} s`,
        remedy: "See the host's console.log in the lab's directory; then take the lab down and up again.",
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
