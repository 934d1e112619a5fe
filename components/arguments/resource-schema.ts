import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

/**
 * An argument that is another component or resource of the program. It is recognised by its properties, because components
 * do not import the classes of all components that they use.
 *
 * @param typeText its type in messages and in the reference: `an AptMirror`.
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
