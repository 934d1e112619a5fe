import { z } from "zod";
import { streamLocation } from "../../content/simplestreams/location.ts";
import { ExplainedError } from "../../errors/explained-error.ts";
import type { DeclaredValue } from "../../resources/kernel/declared.ts";
import { keepingSchema, pinnedTo, publishingHost, serveSchema, unique } from "../serving/mirror-args.ts";
import { certificateShown, transferSchema, upstreamKeySchema } from "../serving/upstream-args.ts";

/* The arguments of ImageMirror: programs and the stack file use the same schema. */

const streamUrl = z.string().transform((url, context) => {
  try {
    return streamLocation(url).base;
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    const { found, remedy } = error.explanation;
    context.addIssue({ code: "custom", message: `${found}. ${remedy}` });
    return z.NEVER;
  }
});

const misnamed = new Map([
  ["x86_64", "is called amd64 by MAAS"],
  ["aarch64", "is called arm64 by MAAS"],
  ["ppc64le", "is called ppc64el by MAAS"],
]);

const architecture = z.string().superRefine((name, context) => {
  const message = misnamed.get(name) ?? "is not an architecture's name: use MAAS's, e.g. amd64, arm64";
  if (misnamed.has(name) || !/^[a-z0-9][a-z0-9-]*$/.test(name)) context.addIssue({ code: "custom", message });
});

const release = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9.-]*$/,
    "is not a release's name: use the stream's, e.g. noble (not 24.04), centos9-stream",
  );

const kernel = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9.+-]*$/,
    "is not a kernel's name: use e.g. ga-24.04, hwe-24.04, or ga for all of that kind",
  );

const images = z.strictObject({
  os: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, "is not an operating system's name: use e.g. ubuntu, centos")
    .describe("Operating system, with the stream's name: ubuntu, centos."),
  releases: unique(release).meta({
    description: "Releases, with MAAS's names: noble (not 24.04), centos9-stream.",
    examples: [["jammy", "noble"]],
  }),
  architectures: unique(architecture)
    .default(["amd64"])
    .describe(
      "Architectures, with MAAS's names: amd64, arm64, ppc64el, s390x. Every release of the entry must have all of them.",
    ),
  kernels: unique(kernel).optional().meta({
    description:
      "Kernels: full names (ga-24.04, hwe-24.04-lowlatency), or ga and hwe for all of a kind. If some are omitted, MAAS must select what the output selections has. A choice that MAAS's selections cannot express is refused.",
    defaultText: "all kernels of these releases in the stream",
  }),
});

export const imageMirrorSchema = z
  .strictObject({
    host: publishingHost,
    upstream: z
      .strictObject({
        url: streamUrl.meta({
          description:
            "URL of the stream's root, above streams/, or of its streams/v1/index.sjson. The host reads it, and the workstation verifies the content.",
          typeText: "http or https URL",
          examples: ["http://images.maas.io/ephemeral-v3/stable/"],
          see: "upstream-access.md",
        }),
        key: upstreamKeySchema("the keys that MAAS itself trusts for images.maas.io"),
        ...transferSchema(16),
      })
      .refine(...certificateShown)
      .describe("The stream to mirror."),
    images: z
      .array(images)
      .min(1, "is empty: name at least one")
      .describe(
        "Images to mirror. For each entry, all releases are mirrored for all architectures, with their boot loaders.",
      ),
    keepVersions: z
      .int()
      .min(1, "is less than 1: the newest version itself counts")
      .max(10)
      .default(1)
      .describe(
        "Number of versions of each image to mirror, the newest first. MAAS imports only the newest.",
      ),
    keepSnapshots: z
      .int()
      .min(1, "is less than 1: the published snapshot itself counts")
      .max(20)
      .default(2)
      .meta({
        description:
          "Number of published snapshots to keep, with the current one. A MAAS in the middle of an import uses the previous one. With 1 it repeats the import.",
        see: "image-mirror.md#disk-space",
      }),
    unsigned: z
      .boolean()
      .default(false)
      .describe(
        "Serve the unsigned streams/v1/index.json with its product files too, for programs that cannot verify signatures. Such programs trust the network.",
      ),
    serve: serveSchema("/ephemeral-v3/stable").prefault({}).describe("How MAAS reaches it."),
    pinnedTo,
    ...keepingSchema("images", "its images"),
  })
  // The order of these lists has no meaning. They are sorted, so that another order is not a change of the mirror.
  .transform((mirror) => ({
    ...mirror,
    images: mirror.images
      .map(({ kernels, ...image }) => ({
        ...image,
        releases: image.releases.toSorted(),
        architectures: image.architectures.toSorted(),
        ...(kernels ? { kernels: kernels.toSorted() } : {}),
      }))
      .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  }));

export type ImageMirrorArgs = DeclaredValue<z.input<typeof imageMirrorSchema>>;
