import { z } from "zod";
import { streamLocation } from "../../content/simplestreams/location.ts";
import { ExplainedError } from "../../errors/explained-error.ts";
import {
  hostName,
  mirrorDirectory,
  mirrorName,
  type ServeArgs,
  serveSchema,
  snapshotName,
  unique,
} from "../serving/mirror-args.ts";
import { certificateShown, transferSchema, type UpstreamAccessArgs } from "../serving/upstream-args.ts";

/*
 * The arguments of ImageMirror: what a user may write, its defaults, and what is wrong with it in the user's
 * words. The stack's configuration uses the same schema, so an error there names the value's path in the YAML.
 */

const streamUrl = z.string().transform((url, context) => {
  try {
    return streamLocation(url).base;
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    const { found, remedy } = error.explanation;
    context.addIssue({ code: "custom", message: `${found.replace(/^it /, "")}. ${remedy}` });
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
  os: z.string().regex(/^[a-z][a-z0-9-]*$/, "is not an operating system's name: use e.g. ubuntu, centos"),
  releases: unique(release),
  architectures: unique(architecture).default(["amd64"]),
  kernels: unique(kernel).optional(),
});

export const imageMirrorSchema = z
  .strictObject({
    host: hostName,
    upstream: z
      .strictObject({
        url: streamUrl,
        key: z.string().min(1).optional(),
        ...transferSchema(16),
      })
      .refine(...certificateShown),
    images: z.array(images).min(1, "is empty: name at least one"),
    keepVersions: z.int().min(1, "is less than 1: the newest version itself counts").max(10).default(1),
    keepSnapshots: z.int().min(1, "is less than 1: the published snapshot itself counts").max(20).default(2),
    unsigned: z.boolean().default(false),
    serve: serveSchema("/ephemeral-v3/stable").prefault({}),
    pinnedTo: snapshotName.optional(),
    directory: mirrorDirectory.optional(),
    nameOnHost: mirrorName.optional(),
    deleteContent: z.boolean().default(false),
  })
  // Lists whose order means nothing get one: written in another, they are the same mirror.
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

export interface ImageMirrorArgs {
  /** The mirror's host, as one would type it after `ssh`; how to get in is OpenSSH's configuration. */
  readonly host: string;
  /** The stream to mirror. Its index is read from the host, and verified on this workstation. */
  readonly upstream: UpstreamAccessArgs & {
    /** Base URL, the one above `streams/`, e.g. `http://images.maas.io/ephemeral-v3/stable/`. */
    readonly url: string;
    /**
     * Who must have signed it: the full fingerprint of a primary key (looked up among the built-in Ubuntu keys and
     * the workstation's keyrings), an armored public key, or the path of a keyring file, relative to the project.
     * @default the keys that MAAS itself trusts for images.maas.io
     */
    readonly key?: string | undefined;
    /** Seconds without a byte after which a transfer is given up. @default 30 */
    readonly stallSeconds?: number | undefined;
    /** Transfers at once. @default 16 */
    readonly parallel?: number | undefined;
  };
  /** What to mirror. Boot loaders for the chosen architectures are always included. */
  readonly images: {
    /** As the stream calls it, e.g. `ubuntu`, `centos`. */
    readonly os: string;
    /** As MAAS calls them, e.g. `["jammy", "noble"]`, `["centos9-stream"]`. */
    readonly releases: string[];
    /** MAAS's names. @default ["amd64"] */
    readonly architectures?: string[] | undefined;
    /**
     * Kernels to boot with: whole names, e.g. `ga-24.04`, `hwe-24.04-lowlatency`, or `ga` and `hwe` for all of that kind.
     * With fewer than all, MAAS must select what the output `selections` says.
     * @default all that the stream has for these releases
     */
    readonly kernels?: string[] | undefined;
  }[];
  /** How many versions of each image to hold, the newest first. MAAS imports the newest only. @default 1 */
  readonly keepVersions?: number | undefined;
  /**
   * How many published snapshots to keep, the current one included. A MAAS in the middle of an import uses the one before.
   * With 1, old files go as soon as new ones are served. @default 2
   */
  readonly keepSnapshots?: number | undefined;
  /**
   * Serve `streams/v1/index.json` and its product files too: the same, and not signed, for what cannot check signatures.
   * @default false
   */
  readonly unsigned?: boolean | undefined;
  /** How MAAS reaches it. */
  readonly serve?:
    | (ServeArgs & {
        /** @default "/ephemeral-v3/stable" */
        readonly path?: string | undefined;
      })
    | undefined;
  /** Serve this kept snapshot again, e.g. `000007-0f3c2a9be114`, and leave upstream alone. @default follow upstream */
  readonly pinnedTo?: string | undefined;
  /** Where the mirror is kept on the host. @default /srv/airgapped-maas/STACK/images/NAME */
  readonly directory?: string | undefined;
  /**
   * What the host knows the mirror by, in paths. To rename a mirror, give the old name here (and as an alias, which the
   * stack's configuration takes from here): all stays as it is. @default the mirror's name
   */
  readonly nameOnHost?: string | undefined;
  /** Whether deleting the mirror deletes its images. @default false: they stay, and it says where */
  readonly deleteContent?: boolean | undefined;
}
