import { z } from "zod";
import { isFlat } from "../../content/apt/suite-place.ts";
import type { DeclaredValue } from "../../resources/kernel/declared.ts";
import { defaultArchiveFields, repositoryFields } from "../../resources/maas/archive/repository-values.ts";
import { maasConnectionSchema } from "../../resources/maas/region/connection.ts";
import type { AptMirror } from "../apt-mirror/apt-mirror.ts";
import type { Holdings } from "../apt-mirror/args.ts";
import { resourceSchema } from "../arguments/resource-schema.ts";
import { mirrorName } from "../serving/mirror-args.ts";

/* The arguments of MaasArchive: a stack file names a mirror, and a program gives the component itself. */

interface Source {
  readonly mirror?: unknown;
  readonly url?: unknown;
  readonly key?: unknown;
}

function oneSource({ mirror, url, key }: Source, context: z.RefinementCtx): void {
  if ((mirror === undefined) === (url === undefined)) {
    context.addIssue({ code: "custom", message: "needs a mirror or a url, and one of them only" });
  }
  if (mirror !== undefined && key !== undefined) {
    context.addIssue({
      code: "custom",
      path: ["key"],
      message:
        "does not go with a mirror, whose own is used: a mirror that signs itself needs its key, one with upstream's signature must have none",
    });
  }
}

/** The fields of every repository. If it has a mirror, missing values are taken from the mirror. */
function sourceFields<Mirror extends z.ZodType>(mirror: Mirror) {
  return {
    mirror: mirror
      .optional()
      .describe(
        "A mirror of this stack. It supplies the URL, the key and the default values. Set mirror or url.",
      ),
    key: defaultArchiveFields.key.optional().meta({
      description:
        "Armored public key of the archive (only with url). An archive with Ubuntu's signature must have none.",
      defaultText: "none",
      typeText: "armored OpenPGP key",
    }),
    disabledPockets: defaultArchiveFields.disabledPockets.optional().meta({
      description: "Pockets that machines do not use, because the archive lacks them.",
      defaultText: "those that the mirror lacks for one of its releases; without a mirror none",
    }),
    disableSources: defaultArchiveFields.disableSources
      .default(true)
      .describe("Do not offer source packages to machines."),
  };
}

function defaultArchiveSchema<Mirror extends z.ZodType>(mirror: Mirror) {
  return z
    .strictObject({
      ...sourceFields(mirror),
      url: defaultArchiveFields.url.optional().meta({
        description:
          "URL of any archive. MAAS requires a dot in the host's name, no underscore, and at most 200 characters. Set mirror or url.",
        typeText: "http or https URL",
        examples: ["http://mirror.dc1.example/ubuntu"],
      }),
      disabledComponents: defaultArchiveFields.disabledComponents.optional().meta({
        description: "Components that machines do not use, because the archive lacks them.",
        defaultText: "those that the mirror lacks; without a mirror none",
      }),
    })
    .superRefine(oneSource);
}

function repositorySchema<Mirror extends z.ZodType>(mirror: Mirror) {
  return z
    .strictObject({
      ...sourceFields(mirror),
      url: repositoryFields.url.optional().meta({
        description:
          "URL of any archive, or ppa:USER/NAME. MAAS requires a dot in the host's name, no underscore, and at most 200 characters. Set mirror or url.",
        typeText: "http or https URL, or ppa:USER/NAME",
      }),
      disabledPockets: repositoryFields.disabledPockets.optional().meta({
        description: "Pockets that machines do not use.",
        defaultText: "none",
      }),
      distributions: repositoryFields.distributions.optional().meta({
        description: "Suites of the repository, for all machines.",
        defaultText: "the machine's own release",
        examples: [["noble-backports"]],
      }),
      components: repositoryFields.components.optional().meta({
        description: "Components of the repository that machines use.",
        defaultText: "the mirror's; without a mirror main",
      }),
      arches: repositoryFields.arches.optional().meta({
        description: "Architectures of the machines that use it.",
        defaultText: "the mirror's; without a mirror amd64 and i386",
      }),
      enabled: repositoryFields.enabled.default(true).describe("Whether machines use it."),
    })
    .superRefine(oneSource);
}

function archiveShape<Mirror extends z.ZodType>(mirror: Mirror) {
  return {
    mainArchive: defaultArchiveSchema(mirror).optional().meta({
      description: "Archive of amd64 and i386 machines.",
      defaultText: "not changed",
    }),
    portsArchive: defaultArchiveSchema(mirror).optional().meta({
      description: "Archive of arm64, armhf, ppc64el and s390x machines.",
      defaultText: "not changed",
    }),
    repositories: z
      .record(z.string().min(1, "is empty"), repositorySchema(mirror))
      .default({})
      .describe("Additional repositories by name. An existing repository with the same name is adopted."),
  };
}

const declaresSomething: [
  (archive: {
    readonly mainArchive?: unknown;
    readonly portsArchive?: unknown;
    readonly repositories: object;
  }) => boolean,
  string,
] = [
  ({ mainArchive, portsArchive, repositories }) =>
    mainArchive !== undefined || portsArchive !== undefined || Object.keys(repositories).length > 0,
  "declares nothing: name mainArchive, portsArchive or repositories",
];

/** The schema for the stack file. */
export const maasArchiveSchema = z
  .strictObject(archiveShape(mirrorName.meta({ typeText: "name of aptMirrors" })))
  .refine(...declaresSomething);

const givenMirror = resourceSchema<AptMirror>("an AptMirror", "url", "publicKey", "holdings");

/** The schema for programs, without the region. */
export const programArchiveSchema = z.strictObject(archiveShape(givenMirror)).refine(...declaresSomething);

export type ArchiveSettings = z.output<typeof programArchiveSchema>;

/** All arguments in a program. */
export const maasArchiveArguments = z.strictObject({
  maas: maasConnectionSchema.meta({
    description: "The MAAS region: one of its hosts, and how to use its API.",
    see: "maas-settings.md#how-maas-is-reached",
  }),
  ...archiveShape(givenMirror),
});

export type MaasArchiveArgs = DeclaredValue<z.input<typeof maasArchiveArguments>>;

const pockets = ["updates", "security", "backports"] as const;
const components = ["restricted", "universe", "multiverse"] as const;

/**
 * What MAAS must not offer from a mirror. On a machine, `apt-get update` fails if a pocket does not exist. MAAS has
 * one list for all releases, so a pocket that one release lacks is disabled for all.
 */
export function disabledBy({ suites, components: held }: Holdings) {
  const releases = suites.filter((suite) => !pockets.some((pocket) => suite.endsWith(`-${pocket}`)));
  return {
    disabledPockets: pockets.filter(
      (pocket) => !releases.every((release) => suites.includes(`${release}-${pocket}`)),
    ),
    disabledComponents: components.filter((component) => !held.includes(component)),
  };
}

export const architecturesOf = {
  mainArchive: ["amd64", "i386"],
  portsArchive: ["armhf", "arm64", "ppc64el", "s390x"],
} as const;

/** Why a mirror cannot be a default archive; undefined if it can. */
export function misfit(archive: keyof typeof architecturesOf, { architectures, components }: Holdings) {
  const served: readonly string[] = architecturesOf[archive];
  if (!architectures.some((architecture) => served.includes(architecture))) {
    return `is for ${served.join(", ")}, and the mirror holds ${architectures.join(", ")}`;
  }
  if (!components.includes("main")) return "always has main, which the mirror does not hold";
  return undefined;
}

/** Why a mirror cannot be a further repository; undefined if it can. */
export function unusable({ suites }: Holdings): string | undefined {
  const path = suites.find(isFlat);
  return path === undefined
    ? undefined
    : `${path} is a flat repository: MAAS writes "deb URL ${path} main" for machines, and apt refuses that. Give machines the mirror's sourcesEntry in another way, such as cloud-init`;
}
