import { ExplainedError } from "./explained-error.ts";

/** By the text of a failure: what reported it first in this process. */
const first = new Map<string, string>();

/**
 * Explains a common failure, such as an unreachable host, once per process. The first error is unchanged. Later ones
 * state the same failure in short, and refer to the first.
 *
 * @param by What fails, e.g. `Files ubuntu-configuration`.
 */
export function explainedOnce(error: ExplainedError, by: string): ExplainedError {
  const { host, step, found, remedy, values } = error.explanation;
  const text = JSON.stringify([host, step, found, remedy]);
  const other = first.get(text);
  if (other === undefined) first.set(text, by);
  if (other === undefined || other === by) return error;
  return new ExplainedError({ ...error.explanation, values, found, remedy: `See what is said of ${other}.` });
}
