import { z } from "zod";
import { maasUrl } from "../../../maas/declared-url.ts";
import type { PackageRepository } from "../../../maas/operations/package-repositories.ts";

const list = (word: RegExp, message: string) => z.array(z.string().regex(word, message));

/** A list whose order has no meaning: it is sorted for comparison. */
function sorted<T extends string>(items: readonly T[]): T[] {
  return [...new Set(items)].sort();
}

const architectures = z
  .array(
    z.enum(["amd64", "i386", "armhf", "arm64", "ppc64el", "s390x"], {
      error: "is not an architecture of MAAS's repositories (amd64, i386, armhf, arm64, ppc64el, s390x)",
    }),
  )
  .min(1, "is empty: remove it, or list at least one")
  .transform(sorted);

/**
 * The key with which machines verify the archive. MAAS does not check keys, and stores them without surrounding white
 * space.
 */
const key = z
  .string()
  .trim()
  .refine(
    (text) =>
      text === "" ||
      /^-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]+-----END PGP PUBLIC KEY BLOCK-----$/.test(text),
    "is not an armored OpenPGP public key (gpg --armor --export ID)",
  );

const customUrl = z.union([maasUrl, z.string().regex(/^ppa:[\w.+-]+\/[\w.+-]+$/)], {
  error: "is neither a URL that MAAS accepts (http://mirror.dc1.example/ubuntu) nor ppa:USER/NAME",
});

/** The values of each repository, without defaults: a component takes those from a mirror. */
const common = {
  key,
  disabledPockets: z
    .array(
      z.enum(["updates", "security", "backports"], {
        error: "is not a pocket that can be disabled (updates, security, backports)",
      }),
    )
    .transform(sorted),
  disableSources: z.boolean(),
};

/**
 * The same for main_archive and ports_archive. MAAS always has both, enabled, with all components but the disabled
 * ones.
 */
export const defaultArchiveFields = {
  ...common,
  url: maasUrl,
  disabledComponents: z
    .array(
      z.enum(["restricted", "universe", "multiverse"], {
        error: "is not a component that can be disabled (restricted, universe, multiverse)",
      }),
    )
    .transform(sorted),
};

/** The same for further repositories. */
export const repositoryFields = {
  ...common,
  url: customUrl,
  distributions: list(
    /^[a-z0-9]([a-z0-9.+/-]*[a-z0-9.+-])?$/,
    "is not a suite that MAAS supports: flat repositories (./) do not work, since MAAS adds a component",
  ),
  components: list(/^[a-z0-9][a-z0-9.+/-]*$/, "is not a valid component name: use e.g. main"),
  arches: architectures,
  enabled: z.boolean(),
};

const withDefaults = {
  key: key.default(""),
  disabledPockets: common.disabledPockets.default([]),
  disableSources: common.disableSources.default(true),
};

export const defaultArchiveSchema = z.strictObject({
  ...defaultArchiveFields,
  ...withDefaults,
  disabledComponents: defaultArchiveFields.disabledComponents.default([]),
});

export const repositorySchema = z.strictObject({
  ...repositoryFields,
  ...withDefaults,
  distributions: repositoryFields.distributions.default([]),
  components: repositoryFields.components.default([]),
  arches: architectures.default(["amd64", "i386"]),
  enabled: repositoryFields.enabled.default(true),
});

export type DefaultArchive = z.output<typeof defaultArchiveSchema>;
export type CustomRepository = z.output<typeof repositorySchema>;

/** The repository in MAAS, in the form of the declaration. */
export function archiveOf(found: PackageRepository): DefaultArchive {
  const { url, key, disabledPockets, disableSources, disabledComponents } = found;
  const disabled = {
    disabledPockets: sorted(disabledPockets),
    disabledComponents: sorted(disabledComponents),
  };
  return { url, key, disableSources, ...disabled } as DefaultArchive;
}

export function customOf(found: PackageRepository): CustomRepository {
  const { url, key, disableSources, distributions, components, enabled } = found;
  const lists = { disabledPockets: sorted(found.disabledPockets), arches: sorted(found.arches) };
  return { url, key, disableSources, distributions, components, enabled, ...lists } as CustomRepository;
}
