import { randomUUID } from "node:crypto";
import { z } from "zod";

/*
 * Marks of a field in its schema, beside its shape and its description. They are used to check arguments, to find secrets in
 * the stack file, and to generate the reference and the JSON Schema.
 */
declare module "zod" {
  interface GlobalMeta {
    /** A secret text: it is always stored encrypted and never shown. `secretText` sets this mark. */
    secret?: true;
    /** A group for a secret. A wrong value in its place may be the secret, so it is never shown. */
    holdsSecret?: true;
    /** Why a program must give a plain value and not an output: "it decides which resources exist". */
    plain?: string;
    /** The default in the reference, if it is not a fixed value: "80, or 443 with tls". */
    defaultText?: string;
    /** The type in the reference, if the schema does not express it: "path". */
    typeText?: string;
    /** Where the documents explain it: a path below docs/, with an anchor. */
    see?: string;
  }
}

/** Replaces a secret that is not known yet while the other arguments are checked. Nobody can declare it. */
export const stoodInSecret = `(a secret that is not known yet: ${randomUUID()})`;

/** A secret with a form. In a program it can come late: then it is checked when it is known. */
export function secretText(form: z.ZodType<string, string>) {
  return z
    .string()
    .superRefine((text, context) => {
      if (text === stoodInSecret) return;
      for (const { message } of form.safeParse(text).error?.issues ?? []) {
        context.addIssue({ code: "custom", message });
      }
    })
    .meta({ secret: true });
}
