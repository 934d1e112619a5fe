import { z } from "zod";
import { isUnsigned } from "../../../maas/boot-sources/state.ts";
import { maasStreamUrl } from "../../../maas/declared-url.ts";
import type { DeclaredValue } from "../../kernel/declared.ts";
import { hostInput } from "../../kernel/host-input.ts";
import { maasInputs } from "../region/connection.ts";

const names = (what: string) =>
  z
    .array(
      z
        .string()
        .regex(/^(\*|[A-Za-z0-9][\w.+-]*)$/, `is not ${what}: write one in each item, or * for all of them`),
    )
    .min(1, "is empty, which matches nothing: MAAS would delete the images that it has")
    .transform((list) => [...new Set(list)].sort());

/** What MAAS is to take from a source. */
export const selectionSchema = z.strictObject({
  os: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, "is not an operating system's name: use e.g. ubuntu, centos")
    .describe("Operating system, with the stream's name: ubuntu, centos."),
  release: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]*$/, "is not a release's name: MAAS takes no pattern here, use e.g. noble")
    .describe("One release: noble. MAAS accepts no pattern here."),
  arches: names("an architecture").describe('Architectures: [amd64]; ["*"] for all.'),
  subarches: names("a kernel").default(["*"]).describe("Kernels, without their flavour."),
  labels: names("a label").default(["*"]).describe("Labels of the stream."),
});

/** A keyring as gpgv reads it; MAAS says nothing of one that it cannot read. */
const binaryKeyring = z.base64().superRefine((text, context) => {
  if (!Buffer.from(text, "base64").subarray(0, 64).includes("-----BEGIN")) return;
  context.addIssue({
    code: "custom",
    message: "is armored text, which MAAS's gpgv cannot read and never complains of: give it dearmored",
  });
});

/** Of two sources with one image, the first by name is the one that MAAS is to take it from. */
export function byPriority<Source>(sources: Readonly<Record<string, Source>>): [string, Source][] {
  return Object.entries(sources).sort(([one], [other]) => (one < other ? -1 : 1));
}

const sourceSchema = z
  .strictObject({
    url: maasStreamUrl,
    /** Base64 of the binary keyring; only an unsigned index needs none. */
    keyring: binaryKeyring.default(""),
    selections: z.array(selectionSchema).min(1, "is empty: MAAS would take nothing from this source"),
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
        const message = `is there twice: MAAS takes one selection of ${os}/${release} from a source`;
        context.addIssue({ code: "custom", path: ["selections", index], message });
      }
      seen.add(`${os}/${release}`);
    }
  });

/** What MAAS is left with when the resource goes. */
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
    error: "needs one of keyring and keyringFilename",
  });

export const inputsSchema = z.strictObject({
  host: hostInput,
  ...maasInputs,
  sources: z
    .record(z.string(), sourceSchema)
    .refine((sources) => Object.keys(sources).length > 0, {
      error: "is empty: MAAS is never left without one",
    })
    .describe("By a name of yours; MAAS tells them apart by their URLs."),
  images: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      'Versions that are to be complete in MAAS, by its names: { "ubuntu/noble amd64/ga-24.04": "20261120" }. By default those that the mirrors have when it is applied; then a newer one makes no difference to a preview.',
    ),
  import: z.boolean().default(true).describe("Import, and wait until all is there."),
  exclusive: z.boolean().default(true).describe("Remove all other sources."),
  fallback: fallbackSchema
    .optional()
    .describe("What MAAS is left with when the resource goes. By default what it had before."),
});

export type Inputs = z.output<typeof inputsSchema>;
export type DeclaredSource = Inputs["sources"][string];
/** A source as a program may write it. */
export type BootSourceArgs = DeclaredValue<z.input<typeof inputsSchema>["sources"][string]>;
