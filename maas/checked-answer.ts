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

/** An answer in the shape that MAAS's API has; more keys than are known are no matter. */
export function checkedAnswer<T>(schema: z.ZodType<T>, answer: unknown, step: string): T {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const what = issue?.path.join(".") || "the whole";
  const form =
    issue?.code === "invalid_type" ? `is not ${nouns[issue.expected] ?? "of that type"}` : "has another form";
  throw new ExplainedError({
    step,
    found: `the answer is not what MAAS 3.4 to 3.8 send (${what} ${form}): another service may answer there`,
    remedy:
      "See that maas.url leads to MAAS itself; if it does, report this with the version of MAAS, which is too new or too old.",
  });
}
