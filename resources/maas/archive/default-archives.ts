import { ExplainedError } from "../../../errors/explained-error.ts";
import type { MaasReader } from "../../../maas/client.ts";
import { getConfig } from "../../../maas/operations/config.ts";
import type { PackageRepository } from "../../../maas/operations/package-repositories.ts";

/*
 * MAAS has two default repositories, but its API does not mark them, and their names can be changed. They are created
 * first, with the numbers 1 and 2 and the names main_archive and ports_archive.
 */

export type DefaultName = "main_archive" | "ports_archive";

const made: Readonly<Record<DefaultName, { readonly id: number; readonly arches: readonly string[] }>> = {
  main_archive: { id: 1, arches: ["amd64", "i386"] },
  ports_archive: { id: 2, arches: ["armhf", "arm64", "ppc64el", "s390x"] },
};

/**
 * The repository that MAAS uses as a default one. If name and number do not match, the setting with the same name has
 * the URL in use. After a renaming, changing that setting creates a second repository.
 *
 * @param known The number under which it was found before.
 */
export async function defaultArchive(
  reader: MaasReader,
  repositories: readonly PackageRepository[],
  name: DefaultName,
  known?: number,
): Promise<PackageRepository> {
  const { id, arches } = made[name];
  const remembered = repositories.find((one) => one.id === known);
  if (remembered) return remembered;
  const named = repositories.find((one) => one.name === name);
  if (named?.id === id) return named;
  const urlInUse = await getConfig(reader, name);
  const candidates = repositories
    .filter((one) => one.url === urlInUse && arches.some((arch) => one.arches.includes(arch)))
    .sort((one, other) => one.id - other.id);
  const found = candidates.find((one) => one.id === id) ?? candidates.find((one) => one === named);
  const only = candidates.length === 1 ? candidates[0] : undefined;
  const chosen = found ?? only ?? (candidates.length === 0 ? named : undefined);
  if (chosen) return chosen;
  throw new ExplainedError({
    step: `finding ${name} among the package repositories of MAAS`,
    found: `it was renamed, and ${candidates.length === 0 ? "none has" : `${candidates.length} have`} the URL in use (${urlInUse})`,
    remedy: `Rename the correct one to ${name} (\`maas PROFILE package-repository update ID name=${name}\`), then run the update again.`,
  });
}
