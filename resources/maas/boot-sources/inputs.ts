import { z } from "zod";
import { isUnsigned } from "../../../maas/boot-sources/state.ts";
import { maasStreamUrl } from "../../../maas/declared-url.ts";
import type { DeclaredValue } from "../../kernel/declared.ts";
import { hostInput } from "../../kernel/host-input.ts";
import { maasInputs } from "../region/connection.ts";

const names = (what: string) =>
  z
    .array(z.string().regex(/^(\*|[A-Za-z0-9][\w.+-]*)$/, `is not ${what}: use one per item, or * for all`))
    .min(1, "is empty, which matches nothing: MAAS would delete its images")
    .transform((list) => [...new Set(list)].sort());

/** A selection of a source. */
export const selectionSchema = z.strictObject({
  os: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, "is not an operating system's name: use e.g. ubuntu, centos")
    .describe("Operating system, with the stream's name: ubuntu, centos."),
  release: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]*$/, "is not a release name: MAAS accepts no pattern here, use e.g. noble")
    .describe("One release: noble. MAAS accepts no pattern here."),
  arches: names("an architecture").describe('Architectures: [amd64]; ["*"] for all.'),
  subarches: names("a kernel").default(["*"]).describe("Kernels, without their flavour."),
  labels: names("a label").default(["*"]).describe("Labels of the stream."),
});

/** A keyring in the format of gpgv. MAAS does not report one that it cannot read. */
const binaryKeyring = z.base64().superRefine((text, context) => {
  if (!Buffer.from(text, "base64").subarray(0, 64).includes("-----BEGIN")) return;
  context.addIssue({
    code: "custom",
    message: "is armored text, which MAAS's gpgv cannot read but does not report: use the binary form",
  });
});

/** The sources sorted by name. If two have the same image, MAAS must use the first one. */
export function byPriority<Source>(sources: Readonly<Record<string, Source>>): [string, Source][] {
  return Object.entries(sources).sort(([one], [other]) => (one < other ? -1 : 1));
}

const sourceSchema = z
  .strictObject({
    url: maasStreamUrl,
    /** Base64 of the binary keyring; only an unsigned index needs none. */
    keyring: binaryKeyring.default(""),
    selections: z.array(selectionSchema).min(1, "is empty: MAAS would import nothing from this source"),
  })
  .superRefine(({ url, keyring, selections }, context) => {
    if (!keyring && !isUnsigned(url)) {
      context.addIssue({
        code: "custom",
        path: ["keyring"],
        message: "is missing: MAAS verifies the stream",
      });
    }
    const seen = new Set<string>();
    for (const [index, { os, release }] of selections.entries()) {
      if (seen.has(`${os}/${release}`)) {
        const message = `is listed twice: MAAS accepts one selection of ${os}/${release} per source`;
        context.addIssue({ code: "custom", path: ["selections", index], message });
      }
      seen.add(`${os}/${release}`);
    }
  });

/** The boot source of MAAS after the resource is removed. */
export const fallbackSchema = z
  .strictObject({
    url: maasStreamUrl.meta({ description: "The source's URL.", typeText: "http or https URL" }),
    keyring: binaryKeyring.optional().meta({
      description: "Binary keyring that verifies it, in base64. Set keyring or keyringFilename.",
      typeText: "base64",
    }),
    keyringFilename: z
      .string()
      .startsWith("/", "is not an absolute path on the region host")
      .optional()
      .meta({ description: "Keyring file on the region host.", typeText: "absolute path" }),
  })
  .refine(({ keyring, keyringFilename }) => !keyring !== !keyringFilename, {
    error: "must have either keyring or keyringFilename",
  });

export const inputsSchema = z.strictObject({
  host: hostInput,
  ...maasInputs,
  sources: z
    .record(z.string(), sourceSchema)
    .refine((sources) => Object.keys(sources).length > 0, {
      error: "is empty: MAAS must always have a source",
    })
    .describe("By any name; MAAS identifies them by their URLs."),
  images: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      'Versions that must be complete in MAAS, by its names: { "ubuntu/noble amd64/ga-24.04": "20261120" }. By default the versions of the mirrors at the time of the update; a preview then does not show newer ones.',
    ),
  import: z.boolean().default(true).describe("Import, and wait until all images are complete."),
  exclusive: z.boolean().default(true).describe("Remove all other sources."),
  fallback: fallbackSchema
    .optional()
    .describe("The boot sources of MAAS after the resource is removed. By default the previous ones."),
});

export type Inputs = z.output<typeof inputsSchema>;
export type DeclaredSource = Inputs["sources"][string];
/** The type of a source in a program. */
export type BootSourceArgs = DeclaredValue<z.input<typeof inputsSchema>["sources"][string]>;
