import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { defaultArchiveSchema, repositorySchema } from "../../resources/maas/archive/repository-values.ts";
import type { MaasConnectionArgs } from "../../resources/maas/region/connection.ts";
import type { AptMirror } from "../apt-mirror/apt-mirror.ts";
import { mirrorName } from "../serving/mirror-args.ts";

/*
 * The arguments of MaasArchive: what a user may write, its defaults, and what is wrong with it in the user's
 * words. The stack's configuration uses the same schema, where a mirror is named instead of given.
 */

const optional = defaultArchiveSchema.partial().shape;
const mirror = mirrorName.optional();

interface Source {
  readonly mirror?: string | undefined;
  readonly url?: string | undefined;
  readonly key?: string | undefined;
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

// Without their defaults: what is not written is taken from the mirror where one is named.
const defaultArchive = z
  .strictObject({
    mirror,
    url: optional.url,
    key: optional.key.unwrap().unwrap().optional(),
    disabledPockets: optional.disabledPockets.unwrap().unwrap().optional(),
    disabledComponents: optional.disabledComponents.unwrap().unwrap().optional(),
    disableSources: z.boolean().optional(),
  })
  .superRefine(oneSource);

const { shape } = repositorySchema;
const repository = z
  .strictObject({
    mirror,
    url: shape.url.optional(),
    key: shape.key.unwrap().optional(),
    disabledPockets: shape.disabledPockets.unwrap().optional(),
    distributions: shape.distributions.unwrap().optional(),
    components: shape.components.unwrap().optional(),
    arches: shape.arches.unwrap().optional(),
    disableSources: z.boolean().optional(),
    enabled: z.boolean().optional(),
  })
  .superRefine(oneSource);

export const maasArchiveSchema = z
  .strictObject({
    mainArchive: defaultArchive.optional(),
    portsArchive: defaultArchive.optional(),
    repositories: z.record(z.string().min(1, "is empty"), repository).default({}),
  })
  .refine(({ mainArchive, portsArchive, repositories }) => {
    return mainArchive || portsArchive || Object.keys(repositories).length > 0;
  }, "declares nothing: name mainArchive, portsArchive or repositories");

/** Where the packages are: a mirror of this stack, or any archive. */
export type ArchiveSource =
  | {
      /** A mirror of this stack: its URL, its key if it signs itself, and what it holds. */
      readonly mirror: AptMirror;
      readonly url?: undefined;
      readonly key?: undefined;
    }
  | {
      readonly mirror?: undefined;
      /** e.g. `http://mirror.dc1.example/ubuntu`. MAAS wants a dot in the host's name, and 200 characters at most. */
      readonly url: string;
      /**
       * Armored public key of an archive that is signed with a key of its own. An archive with Ubuntu's signature must have none.
       * @default none
       */
      readonly key?: pulumi.Input<string> | undefined;
    };

/** One of MAAS's two default archives. */
export type DefaultArchiveArgs = ArchiveSource & {
  /** Of `updates`, `security`, `backports`. @default those that the mirror does not hold for every release; without a mirror none */
  readonly disabledPockets?: readonly ("updates" | "security" | "backports")[] | undefined;
  /** Of `restricted`, `universe`, `multiverse`. @default those that the mirror does not hold; without a mirror none */
  readonly disabledComponents?: readonly ("restricted" | "universe" | "multiverse")[] | undefined;
  /** Whether machines get no source packages. @default true */
  readonly disableSources?: boolean | undefined;
};

/** A further repository, for all machines of its architectures. */
export type RepositoryArgs = ArchiveSource & {
  /** Suites, e.g. `["noble-backports"]`. @default the machine's own release */
  readonly distributions?: readonly string[] | undefined;
  /** @default the mirror's; without a mirror what MAAS takes then, main */
  readonly components?: readonly string[] | undefined;
  /** @default those of the mirror; without a mirror amd64 and i386 */
  readonly arches?: readonly string[] | undefined;
  /** Of `updates`, `security`, `backports`. @default none */
  readonly disabledPockets?: readonly ("updates" | "security" | "backports")[] | undefined;
  /** Whether machines get no source packages. @default true */
  readonly disableSources?: boolean | undefined;
  /** @default true */
  readonly enabled?: boolean | undefined;
};

export interface MaasArchiveArgs {
  /** The region: a host of it, and how to speak to it. */
  readonly maas: MaasConnectionArgs;
  /** What amd64 and i386 machines install from. @default left alone */
  readonly mainArchive?: DefaultArchiveArgs | undefined;
  /** What arm64, armhf, ppc64el and s390x machines install from. @default left alone */
  readonly portsArchive?: DefaultArchiveArgs | undefined;
  /** Further repositories by name. What is there already under the name is taken up. */
  readonly repositories?: Readonly<Record<string, RepositoryArgs>> | undefined;
}

/** What a mirror holds, as far as MAAS has to know. */
export interface Holdings {
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly architectures: readonly string[];
}

const pockets = ["updates", "security", "backports"] as const;
const components = ["restricted", "universe", "multiverse"] as const;

/**
 * What MAAS must not offer from a mirror: `apt-get update` fails on a machine for a pocket that is not there. MAAS knows one
 * list for all releases, so a pocket that one of them lacks is off for all.
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

/** What keeps a mirror from being a default archive, if anything does. */
export function misfit(archive: keyof typeof architecturesOf, { architectures, components }: Holdings) {
  const served: readonly string[] = architecturesOf[archive];
  if (!architectures.some((architecture) => served.includes(architecture))) {
    return `is for ${served.join(", ")}, and the mirror holds ${architectures.join(", ")}`;
  }
  if (!components.includes("main")) return "always has main, which the mirror does not hold";
  return undefined;
}
