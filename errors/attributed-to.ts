import { ExplainedError } from "./explained-error.ts";

/** Says of a foreseen failure which value of the declaration it comes from. What names one itself is left alone. */
export async function attributedTo<T>(value: string, work: Promise<T>): Promise<T> {
  return work.catch((error) => {
    throw error instanceof ExplainedError ? error.within({ values: [value] }) : error;
  });
}
