import type { z } from "zod";
import { pathText } from "../../errors/wrong-input.ts";
import { parsePartly } from "./partly-known.ts";
import { type Properties, storable } from "./stored-properties.ts";
import { containsUnknown } from "./unknown-values.ts";

export interface Failure {
  /** Path of the value: `suites[1]`. */
  readonly property: string;
  readonly reason: string;
}

interface Checked {
  readonly inputs: Properties;
  readonly failures: readonly Failure[];
}

/**
 * Validates inputs and adds defaults. Unknown values stay as they are: a preview must neither refuse nor change them.
 * Everything else is checked, as far as it does not depend on them.
 */
export function check(schema: z.ZodObject, given: Properties): Checked {
  const declared = Object.fromEntries(Object.entries(given).filter(([key]) => !key.startsWith("__")));
  const { data, issues } = parsePartly(schema, declared);
  const failures = issues.map(({ path, message }) => ({ property: pathText(path), reason: message }));
  if (containsUnknown(declared) && !schema.def.catchall) {
    const strangers = Object.keys(declared).filter((key) => !Object.hasOwn(schema.shape, key));
    failures.push(...strangers.map((property) => ({ property, reason: "is not a known input" })));
  }
  return { inputs: failures.length === 0 ? (storable(data) as Properties) : declared, failures };
}
