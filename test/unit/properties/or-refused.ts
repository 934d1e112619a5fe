import { expect } from "@jest/globals";
import { ExplainedError } from "../../../errors/explained-error.ts";

/** The result, or undefined if it fails with an expected error whose text is safe for a terminal. */
export function orRefused<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    expect(error.message).toMatch(/^[^\x00-\x09\x0b-\x1f\x7f-\x9f]{1,8000}$/);
    return undefined;
  }
}
