import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { kernelRefusal, neverDeployed } from "../../content/deployable.ts";
import { fileTypeOf, fileTypes, nameRefusal } from "../../maas/upload-names.ts";
import type { DeclaredValue } from "../../resources/kernel/declared.ts";
import { hostName } from "../../resources/kernel/host-input.ts";
import { maasConnectionSchema } from "../../resources/maas/region/connection.ts";
import { resourceSchema } from "../arguments/resource-schema.ts";
import { absolutePath, keepingSchema, publishingHost, serveSchema } from "../serving/mirror-args.ts";

/* The arguments of CustomImage in programs and in the stack file. */

const ways = 'must be "stream" or "upload"';
const decidesResources = "it decides which resources exist";

/** How MAAS gets the image: it imports a signed stream from a host, or the image is uploaded through its API. */
export const waySchema = z.strictObject({
  via: z.enum(["stream", "upload"], ways).default("stream").meta({ plain: decidesResources }),
});

const file = z
  .union(
    [
      z.string().min(1, "is empty"),
      z.strictObject({
        host: hostName.describe("A host, with the name as in the command ssh HOST."),
        path: absolutePath.describe("Path of the file on that host."),
      }),
    ],
    { error: "is neither a path on this workstation nor { host, path } of a file on a host" },
  )
  .meta({ typeText: "path, or host and path" });

const architecture = z
  .string()
  .regex(/^[a-z0-9]{2,16}$/, "is not an architecture's name: use MAAS's, e.g. amd64");

/** The arguments that both ways share. */
function described(systems: string, files: string) {
  return {
    os: z
      .string()
      .min(1, "is empty")
      .describe(`Operating system, with MAAS's name: ${systems}. Machines are deployed with OS/RELEASE.`),
    release: z
      .string()
      .min(1, "is empty")
      .meta({
        description: "A name that you choose.",
        examples: ["rocky9"],
      }),
    title: z
      .string()
      .min(1, "is empty: it is what people see in MAAS")
      .meta({
        description: "The name that MAAS shows.",
        examples: ["Rocky Linux 9"],
      }),
    architecture: architecture.default("amd64").describe("Architecture, with MAAS's name."),
    file: file.describe(
      `File of the image: a path on the workstation, relative to the project, or host and path of a file on the ${files}.`,
    ),
  };
}

/** For an image that a host publishes in a separate signed stream. MAAS imports it through a MaasBootSource. */
export const streamSchema = z.strictObject({
  via: z
    .literal("stream", { error: ways })
    .default("stream")
    .meta({ description: "Publish the image in a signed stream. MAAS imports it.", plain: decidesResources }),
  host: publishingHost,
  ...described("centos, rhel, ol or suse", "publishing host"),
  version: z
    .string()
    .optional()
    .meta({
      description: "Version of the operating system. Machines can also be deployed with OS/VERSION.",
      defaultText: "the number in release, otherwise 1",
      examples: ["9.4"],
    }),
  supportEnd: z
    .string()
    .optional()
    .meta({
      description: "Last day of the system's support, for display.",
      examples: ["2032-05-31"],
    }),
  serve: serveSchema("", "/images/NAME").prefault({}).describe("How MAAS reaches it."),
  keepSnapshots: z
    .int()
    .min(1, "is less than 1: the published snapshot itself counts")
    .max(20)
    .default(2)
    .describe("Number of published snapshots to keep, with the current one."),
  ...keepingSchema("custom-images", "its files and its signing key"),
});

const uploadShape = {
  via: z.literal("upload").meta({
    description: "Upload the image through MAAS's API, which accepts every kind of image.",
    plain: decidesResources,
  }),
  ...described("custom, centos, rhel, ol, suse, ubuntu, windows or esxi", "region host"),
  kernel: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]*$/, "is not a kernel's name")
    .default("generic")
    .describe("Kernel, as in MAAS's name of the architecture: amd64/generic."),
  fileType: z
    .enum(fileTypes as [string, ...string[]])
    .optional()
    .meta({
      description:
        "Kind of the file: an archive of a root file system (tgz, tbz, txz) or a disk image (dd...), with its compression.",
      defaultText: "from the file's name",
      see: "custom-image.md#which-kind-of-file-for-which-system",
    }),
  baseImage: z
    .string()
    .regex(
      /^(ubuntu|centos|rhel|ol|suse)\/[A-Za-z0-9][\w.-]*$/,
      "is not what it is made from, e.g. ubuntu/noble",
    )
    .optional()
    .meta({
      description: "Operating system from which the image is made (only with os: custom).",
      defaultText: "the release that MAAS commissions with",
      examples: ["ubuntu/noble"],
    }),
};

/** For an image that is uploaded to MAAS through its API. */
export const uploadSchema = z
  .strictObject(uploadShape)
  .superRefine(({ os, release, file, fileType, baseImage, kernel }, context) => {
    const refusal = nameRefusal(`${os}/${release}`);
    if (refusal) context.addIssue({ code: "custom", path: ["release"], message: refusal });
    const path = typeof file === "string" ? file : file.path;
    const kind = fileType ?? fileTypeOf(path);
    if (!kind) {
      const message = "has a name that does not show its kind: declare fileType";
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
      context.addIssue({ code: "custom", path: ["baseImage"], message: "is possible only with os: custom" });
    }
  });

/** The same in a program, with the connection to MAAS. */
export const programUploadSchema = z.strictObject({
  ...uploadShape,
  maas: maasConnectionSchema.describe("The MAAS region that gets the image."),
  imagesFrom: resourceSchema<pulumi.Resource>("a resource").optional().meta({
    description:
      "Resource that imports an Ubuntu image of the same architecture, which MAAS requires before an upload. The upload waits for it.",
    defaultText: "no resource: the image exists",
  }),
});

/** The schema for the stack file. `via` selects one of the two, so that errors concern only the chosen way. */
export const siteCustomImageSchema = z.discriminatedUnion("via", [streamSchema, uploadSchema], {
  error: ({ code }) => (code === "invalid_union" ? ways : undefined),
});

/** How a stream is served. The default path contains the image's name. */
export function servedAt(serve: StreamSettings["serve"], nameOnHost: string): StreamSettings["serve"] {
  return { ...serve, path: serve.path || `/images/${nameOnHost}` };
}

export type StreamSettings = z.output<typeof streamSchema>;

export type StreamedImageArgs = DeclaredValue<z.input<typeof streamSchema>>;
export type UploadedImageArgs = DeclaredValue<z.input<typeof programUploadSchema>>;
export type CustomImageArgs = StreamedImageArgs | UploadedImageArgs;
