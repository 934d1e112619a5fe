import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { maasStreamUrl } from "../../maas/declared-url.ts";
import { fallbackSchema, selectionSchema } from "../../resources/maas/boot-sources/inputs.ts";
import type { MaasConnectionArgs } from "../../resources/maas/region/connection.ts";
import type { CustomImage } from "../custom-image/custom-image.ts";
import type { ImageMirror } from "../image-mirror/image-mirror.ts";
import { mirrorName } from "../serving/mirror-args.ts";

/*
 * The arguments of MaasBootSource: what a user may write, its defaults, and what is wrong with it in the user's
 * words. The stack's configuration uses the same schema, where a mirror is named instead of given.
 */

const selections = z.array(selectionSchema).min(1, "is empty: leave it out for all that the mirror holds");

/** A mirror that this stack does not make. */
const foreignSchema = z.strictObject({
  url: maasStreamUrl,
  key: z.string().min(1).optional(),
  selections,
});

export const maasBootSourceSchema = z
  .strictObject({
    mirror: mirrorName.optional(),
    selections: selections.optional(),
    customImages: z.array(mirrorName).default([]),
    others: z.record(mirrorName, foreignSchema).default({}),
    import: z.boolean().default(true),
    exclusive: z.boolean().default(true),
    fallback: fallbackSchema.optional(),
  })
  .superRefine(({ mirror, selections: chosen, customImages, others }, context) => {
    if (!mirror && customImages.length === 0 && Object.keys(others).length === 0) {
      context.addIssue({
        code: "custom",
        message: "declares no source: name a mirror, custom images or others",
      });
    }
    const names = ["mirror", ...customImages];
    for (const [index, other] of customImages.entries()) {
      if (names.indexOf(other) === index + 1) continue;
      const message =
        other === "mirror" ? "is what the mirror's source is called: rename it" : "is named twice";
      context.addIssue({ code: "custom", path: ["customImages", index], message });
    }
    for (const other of Object.keys(others).filter((key) => names.includes(key))) {
      const message = "is also the name of another source of this MAAS";
      context.addIssue({ code: "custom", path: ["others", other], message });
    }
    if (chosen && !mirror) {
      context.addIssue({ code: "custom", path: ["selections"], message: "are the mirror's: name a mirror" });
    }
  });

/** Checked arguments. */
export type MaasBootSourceSettings = z.output<typeof maasBootSourceSchema>;

/** What MAAS is to take of a release. */
export interface SelectionArgs {
  /** `ubuntu`, `centos`, ... */
  readonly os: string;
  /** `noble`; MAAS takes no pattern here. */
  readonly release: string;
  /** `["amd64"]`; `["*"]` for all. */
  readonly arches: string[];
  /** Kernels, without their flavour. @default ["*"] */
  readonly subarches?: string[] | undefined;
  /** @default ["*"] */
  readonly labels?: string[] | undefined;
}

export interface MaasBootSourceArgs {
  /** The region: a host of it, and how to speak to it. */
  readonly maas: MaasConnectionArgs;
  /** The mirror of images in this stack. */
  readonly mirror?: ImageMirror | undefined;
  /** What to take from the mirror. @default all that it holds */
  readonly selections?: SelectionArgs[] | undefined;
  /** Custom images that are published in a stream. */
  readonly customImages?: readonly CustomImage[] | undefined;
  /** Mirrors that this stack does not make, by names of yours. */
  readonly others?:
    | Readonly<
        Record<
          string,
          {
            /** The stream's root, or its index. MAAS wants a dot in the host's name, and 200 characters at most. */
            readonly url: string;
            /**
             * Who signed it: armored public key, full fingerprint, or the path of a keyring file on this workstation.
             * @default the keys that MAAS trusts for images.maas.io
             */
            readonly key?: string | undefined;
            /** What to take from it: its index may list more than it holds. */
            readonly selections: SelectionArgs[];
          }
        >
      >
    | undefined;
  /** Let MAAS import, and wait until every selected image is complete in the mirror's version. @default true */
  readonly import?: boolean | undefined;
  /** Remove all other sources of the region once these serve. One that is dead ends every import. @default true */
  readonly exclusive?: boolean | undefined;
  /** What must be there before MAAS is told of anything, e.g. `MaasSettings.beforeImages`. @default only the mirrors */
  readonly after?: pulumi.Resource | undefined;
  /** What MAAS is left with when this goes. @default what it had before */
  readonly fallback?:
    | {
        readonly url: string;
        /** Binary, in base64. */
        readonly keyring?: string | undefined;
        /** A file on the region host. */
        readonly keyringFilename?: string | undefined;
      }
    | undefined;
}

/** Settings of the mirrors that are not of this stack, as resources take them. */
export type Foreign = z.output<typeof foreignSchema>;
export type Selections = z.output<typeof selections>;
