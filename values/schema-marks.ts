import { z } from "zod";

/*
 * What a schema says of a field beside its shape and its description. Whoever reads a schema can ask for it: what checks
 * arguments, what finds secrets in a stack's file, and what writes the reference and the JSON Schema.
 */
declare module "zod" {
  interface GlobalMeta {
    /** A text that is encrypted wherever it is kept, and never shown. `secretText` sets it. */
    secret?: true;
    /** A group in which a secret belongs: what stands there instead may be the secret, so it is never shown. */
    holdsSecret?: true;
    /** Why a program must give a plain value, not an output: the end of a sentence, "it decides which resources exist". */
    plain?: string;
    /** The default as the reference says it, where it depends on something: "80, or 443 with tls". */
    defaultText?: string;
    /** What the field takes, as the reference says it, where the schema alone does not tell: "path". */
    typeText?: string;
    /** Where the documents say more: a path below docs/, with its anchor. */
    see?: string;
  }
}

/** In place of a secret that is not known yet when the rest is checked. */
export const stoodInSecret = "(a secret that is not known yet)";

/** A secret that has to be as `form` says. In a program it may come late: then it is checked when it is there. */
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
