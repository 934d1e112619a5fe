import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { kernelRefusal, neverDeployed } from "../../content/deployable.ts";
import { fileTypeOf, fileTypes, nameRefusal } from "../../maas/upload-names.ts";
import type { MaasConnectionArgs } from "../../resources/maas/region/connection.ts";
import {
  absolutePath,
  hostName,
  mirrorDirectory,
  mirrorName,
  type ServeArgs,
  serveSchema,
} from "../serving/mirror-args.ts";

/*
 * The arguments of CustomImage: what a user may write, its defaults, and what is wrong with it in the user's
 * words. The stack's configuration uses the same schema, so an error there names the value's path in the YAML.
 */

const file = z.union(
  [z.string().min(1, "is empty"), z.strictObject({ host: hostName, path: absolutePath })],
  { error: "is neither a path on this workstation nor { host, path } of a file on a host" },
);

const architecture = z
  .string()
  .regex(/^[a-z0-9]{2,16}$/, "is not an architecture's name: use MAAS's, e.g. amd64");

const described = {
  os: z.string().min(1, "is empty"),
  release: z.string().min(1, "is empty"),
  title: z.string().min(1, "is empty: it is what people see in MAAS"),
  architecture: architecture.default("amd64"),
  file,
};

export const streamSchema = z.strictObject({
  ...described,
  // An upload has a schema of its own.
  via: z.literal("stream", { error: 'must be "stream" or "upload"' }).default("stream"),
  host: hostName,
  /** The system's own version. */
  version: z.string().optional(),
  supportEnd: z.string().optional(),
  serve: serveSchema("").prefault({}),
  keepSnapshots: z.int().min(1, "is less than 1: the published snapshot itself counts").max(20).default(2),
  directory: mirrorDirectory.optional(),
  nameOnHost: mirrorName.optional(),
  deleteContent: z.boolean().default(false),
});

export const uploadSchema = z
  .strictObject({
    ...described,
    via: z.literal("upload"),
    kernel: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]*$/, "is not a kernel's name")
      .default("generic"),
    fileType: z.enum(fileTypes as [string, ...string[]]).optional(),
    baseImage: z
      .string()
      .regex(
        /^(ubuntu|centos|rhel|ol|suse)\/[A-Za-z0-9][\w.-]*$/,
        "is not what it is made from, e.g. ubuntu/noble",
      )
      .optional(),
  })
  .superRefine(({ os, release, file, fileType, baseImage, kernel }, context) => {
    const refusal = nameRefusal(`${os}/${release}`);
    if (refusal) context.addIssue({ code: "custom", path: ["release"], message: refusal });
    const path = typeof file === "string" ? file : file.path;
    const kind = fileType ?? fileTypeOf(path);
    if (!kind) {
      const message = "does not tell by its name what kind of image it is: say fileType";
      context.addIssue({ code: "custom", path: ["file"], message });
    }
    const never = kind && neverDeployed(os, kind);
    if (never) {
      const path = os === "bootloader" ? ["os"] : ["file"];
      context.addIssue({ code: "custom", path, message: never });
    }
    const kernelFault = kernelRefusal(kernel);
    if (kernelFault) context.addIssue({ code: "custom", path: ["kernel"], message: kernelFault });
    if (baseImage && os !== "custom") {
      context.addIssue({ code: "custom", path: ["baseImage"], message: "goes with os: custom only" });
    }
  });

/** As the stack's configuration has it: what is wrong is said of the way in which MAAS is to get it. */
export const siteCustomImageSchema = z
  .unknown()
  .transform((value, context): StreamSettings | UploadSettings => {
    const via = typeof value === "object" && value !== null && "via" in value ? value.via : undefined;
    const result = (via === "upload" ? uploadSchema : streamSchema).safeParse(value);
    if (result.success) return result.data;
    for (const { path, message } of result.error.issues) {
      context.addIssue({ code: "custom", path: [...path], message });
    }
    return z.NEVER;
  });

/** How a stream is reached: at a path of its own where none is declared. */
export function servedAt({ serve, nameOnHost }: StreamSettings, name: string): StreamSettings["serve"] {
  return { ...serve, path: serve.path || `/images/${nameOnHost ?? name}` };
}

export type StreamSettings = z.output<typeof streamSchema>;
export type UploadSettings = z.output<typeof uploadSchema>;

interface DescribedImage {
  /** How MAAS deploys it: `centos`, `rhel`, `ol` or `suse` in a stream; uploaded also `custom`, `windows`, `esxi`. */
  readonly os: string;
  /** Free, e.g. `rocky9`: machines are deployed with `OS/RELEASE`. */
  readonly release: string;
  /** What people see, e.g. `Rocky Linux 9`. */
  readonly title: string;
  /** MAAS's name. @default "amd64" */
  readonly architecture?: string | undefined;
  /** The image's file: a path on this workstation (relative to the project), or of one on the publishing host (via stream) or the region host (via upload). */
  readonly file: string | { readonly host: string; readonly path: string };
}

/** Published on a host in a signed stream of its own, which MAAS imports: give the image to a MaasBootSource. */
export interface StreamedImageArgs extends DescribedImage {
  /** @default "stream" */
  readonly via?: "stream" | undefined;
  /** The host that publishes it, as one would type it after `ssh`; a mirror's will do. */
  readonly host: string;
  /** The system's own version, e.g. `9.4`; `OS/VERSION` is another name to deploy it by. @default the number in `release`, else 1 */
  readonly version?: string | undefined;
  /** When it stops being supported, as `2032-05-31`; for display. @default not said */
  readonly supportEnd?: string | undefined;
  /** How MAAS reaches it. */
  readonly serve?:
    | (ServeArgs & {
        /** @default "/images/NAME" */
        readonly path?: string | undefined;
      })
    | undefined;
  /** How many published versions to keep, the current one included. @default 2 */
  readonly keepSnapshots?: number | undefined;
  /** Where it is kept on the host. @default /srv/airgapped-maas/STACK/custom-images/NAME */
  readonly directory?: string | undefined;
  /** What the host knows it by, in paths; see the image mirror's. @default the image's name */
  readonly nameOnHost?: string | undefined;
  /** Whether deleting it deletes its files. @default false: they stay, and it says where */
  readonly deleteContent?: boolean | undefined;
}

/** Uploaded to MAAS through its API. */
export interface UploadedImageArgs extends DescribedImage {
  readonly via: "upload";
  /** The region to upload to. */
  readonly maas: MaasConnectionArgs;
  /**
   * What brings an Ubuntu image for the architecture, without which MAAS takes no upload: it is waited for.
   * @default nothing: it is there
   */
  readonly imagesFrom?: pulumi.Resource | undefined;
  /** As MAAS has it behind the architecture. @default "generic" */
  readonly kernel?: string | undefined;
  /** `tgz`, `tbz`, `txz`, `ddtgz`, `ddtbz`, `ddtxz`, `ddtar`, `ddbz2`, `ddgz`, `ddxz`, `ddraw`. @default by the file's name */
  readonly fileType?: string | undefined;
  /** Of `os: custom`: the system that it is made from, `ubuntu/noble`. @default what MAAS commissions with */
  readonly baseImage?: string | undefined;
}

export type CustomImageArgs = StreamedImageArgs | UploadedImageArgs;
