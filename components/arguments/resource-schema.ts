import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

/**
 * An argument that is another component or resource of the program. It is known by what it has: its class cannot be imported
 * by all that it is given to.
 *
 * @param typeText what it is, for messages and the reference: `an AptMirror`.
 */
export function resourceSchema<Given extends pulumi.Resource>(
  typeText: string,
  ...properties: readonly (keyof Given)[]
) {
  return z
    .custom<Given>(
      (value) => pulumi.Resource.isInstance(value) && properties.every((property) => property in value),
      `is not ${typeText}`,
    )
    .meta({ typeText, plain: "other resources depend on it" });
}
