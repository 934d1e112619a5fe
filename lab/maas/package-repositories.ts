import type { Maas } from "./maas.ts";

/** A source of packages for deployed machines. */
export interface PackageRepository {
  readonly id: number;
  name: string;
  url: string;
  distributions: string[];
  disabled_pockets: string[];
  disabled_components: string[];
  disable_sources: boolean;
  components: string[];
  arches: string[];
  key: string;
  enabled: boolean;
  /** True for Ubuntu's two archives, also after they are renamed. The API does not show it. */
  readonly default: boolean;
}

/** The two archives that always exist, with MAAS's internal names. */
export type ArchiveName = "main_archive" | "ports_archive";

/** maasserver/models/packagerepository.py: MAIN_ARCHES and PORTS_ARCHES. */
export const archiveArches: Readonly<Record<ArchiveName, readonly string[]>> = {
  main_archive: ["amd64", "i386"],
  ports_archive: ["armhf", "arm64", "ppc64el", "s390x"],
};

/** All repositories. A new MAAS has the two archives. */
export function packageRepositories(maas: Maas): PackageRepository[] {
  return maas.store.table<PackageRepository>("packageRepositories", () => [
    archive(maas, "main_archive", "http://archive.ubuntu.com/ubuntu"),
    archive(maas, "ports_archive", "http://ports.ubuntu.com/ubuntu-ports"),
  ]);
}

/**
 * The URL in an archive's setting: of the first default repository with these architectures, with any name.
 */
export function archiveUrl(maas: Maas, name: ArchiveName): string {
  const arches = archiveArches[name];
  const found = packageRepositories(maas).find(
    (repository) => repository.default && arches.every((arch) => repository.arches.includes(arch)),
  );
  return found?.url ?? "";
}

/**
 * Sets the URL of an archive's setting: of the repository with that name. If it was renamed, a new one is
 * made.
 */
export function setArchiveUrl(maas: Maas, name: ArchiveName, url: string): void {
  const repositories = packageRepositories(maas);
  const found = repositories.find((repository) => repository.name === name);
  if (found === undefined) repositories.push(archive(maas, name, url));
  else Object.assign(found, { url, arches: [...archiveArches[name]] });
}

function archive(maas: Maas, name: ArchiveName, url: string): PackageRepository {
  return {
    id: maas.store.nextId("packageRepositories"),
    name,
    url,
    distributions: [],
    disabled_pockets: [],
    disabled_components: [],
    disable_sources: true,
    components: [],
    arches: [...archiveArches[name]],
    key: "",
    enabled: true,
    default: true,
  };
}
