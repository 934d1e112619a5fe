import { ExplainedError } from "./explained-error.ts";

/** Who was the first in this process to say a text. */
const first = new Map<string, string>();

/**
 * What many things have in common, such as a host that cannot be reached, is explained once in a process, by the first that
 * meets it. The others say in a line what they met, and who explains it.
 *
 * @param by what fails, e.g. `Files ubuntu-configuration`
 */
export function explainedOnce(error: ExplainedError, by: string): ExplainedError {
  const { host, step, found, remedy, values } = error.explanation;
  const text = JSON.stringify([host, step, found, remedy]);
  const other = first.get(text);
  if (other === undefined) first.set(text, by);
  if (other === undefined || other === by) return error;
  return new ExplainedError({ ...error.explanation, values, found, remedy: `See what is said of ${other}.` });
}
