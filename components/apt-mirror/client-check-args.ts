import { z } from "zod";
import type { DeclaredValue } from "../../resources/kernel/declared.ts";
import { hostName } from "../../resources/kernel/host-input.ts";
import { resourceSchema } from "../arguments/resource-schema.ts";
import { mirrorName } from "../serving/mirror-args.ts";
import type { AptMirror } from "./apt-mirror.ts";

/* The arguments of ClientCheck: a stack file names a mirror, and a program gives the component itself. */

function clientCheckShape<Mirror extends z.ZodType>(mirror: Mirror) {
  return {
    host: hostName.describe("A client of the mirror, with the name as in the command ssh HOST."),
    mirror: mirror.describe("The mirror that the client uses."),
    package: z
      .string()
      .regex(/^[a-z0-9][a-z0-9+.-]+$/, "is not a package's name")
      .describe(
        "A package that the client installs from the mirror. If the check is deleted, the package is purged.",
      ),
  };
}

/** The schema for the stack file. */
export const clientCheckSchema = z.strictObject(
  clientCheckShape(mirrorName.meta({ typeText: "name of aptMirrors" })),
);

/** The schema for programs. */
export const programClientCheckSchema = z.strictObject(
  clientCheckShape(resourceSchema<AptMirror>("an AptMirror", "sourcesEntry", "contents")),
);

export type ClientCheckArgs = DeclaredValue<z.input<typeof programClientCheckSchema>>;
