import { ExplainedError } from "./explained-error.ts";

/**
 * Adds to an explained error which value of the declaration causes it. An error that names values already is not
 * changed.
 */
export async function attributedTo<T>(value: string, work: Promise<T>): Promise<T> {
  return work.catch((error) => {
    throw error instanceof ExplainedError ? error.within({ values: [value] }) : error;
  });
}
