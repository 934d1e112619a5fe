import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { maasStreamUrl } from "../../maas/declared-url.ts";
import type { DeclaredValue } from "../../resources/kernel/declared.ts";
import { fallbackSchema, selectionSchema } from "../../resources/maas/boot-sources/inputs.ts";
import { maasConnectionSchema } from "../../resources/maas/region/connection.ts";
import { resourceSchema } from "../arguments/resource-schema.ts";
import type { CustomImage } from "../custom-image/custom-image.ts";
import type { ImageMirror } from "../image-mirror/image-mirror.ts";
import { mirrorName } from "../serving/mirror-args.ts";

/*
 * The arguments of MaasBootSource: a stack file names mirrors and images, and a program gives the components
 * themselves.
 */

const selections = z.array(selectionSchema).min(1, "is empty: leave it out for all that the mirror holds");

/** A mirror that is not in this stack. */
const foreignSchema = z.strictObject({
  url: maasStreamUrl.meta({
    description:
      "URL of the stream's root or index. MAAS requires a dot in the host's name, and at most 200 characters.",
    typeText: "http or https URL",
  }),
  key: z.string().min(1).optional().meta({
    description:
      "Key that signed it: an armored public key, a full fingerprint, or the path of a keyring file on the workstation.",
    defaultText: "the keys that MAAS trusts for images.maas.io",
  }),
  selections: selections.describe("Images to import from it. Its index may list more than the mirror has."),
});

function bootSourceShape<Mirror extends z.ZodType, Image extends z.ZodType>(mirror: Mirror, image: Image) {
  return {
    mirror: mirror.optional().describe("The image mirror of this stack."),
    selections: selections
      .optional()
      .meta({ description: "Images to import from the mirror.", defaultText: "all images of the mirror" }),
    customImages: z.array(image).default([]).meta({
      description: "Custom images that are published in a stream.",
      see: "custom-image.md",
    }),
    others: z
      .record(mirrorName, foreignSchema)
      .default({})
      .describe("Mirrors that this stack does not make, by names that you choose."),
    import: z
      .boolean()
      .default(true)
      .describe("Start an import, and wait until every selected image is complete in the mirror's version."),
    exclusive: z
      .boolean()
      .default(true)
      .describe(
        "Remove all other sources of the region when the declared ones work. One unreachable source makes every import fail.",
      ),
    fallback: fallbackSchema.optional().meta({
      description: "The source that MAAS gets when this resource is deleted.",
      defaultText: "the previous sources",
    }),
  };
}

interface Sources<Image> {
  readonly mirror?: unknown;
  readonly selections?: unknown;
  readonly customImages: readonly Image[];
  readonly others: object;
}

/** The rules across sources: each needs a unique name, because resources identify it by that. */
function toldApart<Image>(nameOf: (image: Image) => string) {
  return (
    { mirror, selections: chosen, customImages, others }: Sources<Image>,
    context: z.RefinementCtx,
  ): void => {
    if (mirror === undefined && customImages.length === 0 && Object.keys(others).length === 0) {
      context.addIssue({
        code: "custom",
        message: "declares no source: name a mirror, custom images or others",
      });
    }
    const names = ["mirror", ...customImages.map(nameOf)];
    for (const [index, name] of customImages.map(nameOf).entries()) {
      if (names.indexOf(name) === index + 1) continue;
      const message =
        name === "mirror" ? "is what the mirror's source is called: rename it" : "is listed twice";
      context.addIssue({ code: "custom", path: ["customImages", index], message });
    }
    for (const name of Object.keys(others).filter((key) => names.includes(key))) {
      const message = "is also the name of another source of this MAAS";
      context.addIssue({ code: "custom", path: ["others", name], message });
    }
    if (chosen !== undefined && mirror === undefined) {
      context.addIssue({ code: "custom", path: ["selections"], message: "are the mirror's: name a mirror" });
    }
  };
}

export const uploadedImage = "is uploaded, so MAAS does not get it from a source: remove it here";

/** The schema for the stack file. */
export const maasBootSourceSchema = z
  .strictObject(
    bootSourceShape(
      mirrorName.meta({ typeText: "name of imageMirrors" }),
      mirrorName.meta({ typeText: "name of customImages" }),
    ),
  )
  .superRefine(toldApart((name: string) => name));

const programShape = bootSourceShape(
  resourceSchema<ImageMirror>("an ImageMirror", "url", "keyring", "selections"),
  resourceSchema<CustomImage>("a CustomImage", "imageName", "distroSeries").refine(
    ({ source }) => source !== undefined,
    uploadedImage,
  ),
);

/** The schema for programs, without the region and `after`. */
export const programBootSourceSchema = z
  .strictObject(programShape)
  .superRefine(toldApart(({ imageName }: CustomImage) => imageName));

export type BootSourceSettings = z.output<typeof programBootSourceSchema>;

/** All arguments in a program. */
export const maasBootSourceArguments = z.strictObject({
  maas: maasConnectionSchema.meta({
    description: "The MAAS region: one of its hosts, and how to use its API.",
    see: "maas-settings.md#how-maas-is-reached",
  }),
  ...programShape,
  after: resourceSchema<pulumi.Resource>("a resource").optional().meta({
    description: "Resource that must exist before MAAS is changed, such as MaasSettings.beforeImages.",
    defaultText: "only the mirrors",
  }),
});

export type MaasBootSourceArgs = DeclaredValue<z.input<typeof maasBootSourceArguments>>;

/** The settings of a mirror that is not in this stack. */
export type Foreign = z.output<typeof foreignSchema>;
export type Selections = z.output<typeof selections>;
