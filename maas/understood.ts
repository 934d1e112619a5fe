import type { z } from "zod";
import { ExplainedError } from "../errors/explained-error.ts";

/** An answer in the shape that MAAS's API has; more keys than are known are no matter. */
export function understood<T>(schema: z.ZodType<T>, answer: unknown, step: string): T {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ExplainedError({
    step,
    found: `the answer is not what MAAS 3.4 to 3.8 send (${issue?.path.join(".") || "the whole"}: ${issue?.message})`,
    remedy:
      "See that maas.url leads to MAAS itself; if it does, report this with the version of MAAS, which is too new or too old.",
  });
}
