import type { z } from "zod";
import { ExplainedError } from "../errors/explained-error.ts";

const nouns: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** An answer, checked against the schema of MAAS's API. Unknown keys are ignored. */
export function checkedAnswer<T>(schema: z.ZodType<T>, answer: unknown, step: string): T {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const what = issue?.path.join(".") || "the answer";
  const form =
    issue?.code === "invalid_type" ? `is not ${nouns[issue.expected] ?? "of that type"}` : "has another form";
  throw new ExplainedError({
    step,
    found: `the answer is not one of MAAS 3.4 to 3.8 (${what} ${form}): it may be another service`,
    remedy:
      "Check that maas.url leads to MAAS itself. If it does, this version of MAAS is not supported: report it with its version.",
  });
}
