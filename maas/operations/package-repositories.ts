import { z } from "zod";
import { checkedAnswer } from "../checked-answer.ts";
import type { MaasClient, MaasReader } from "../client.ts";

const list = z.array(z.string()).nullish();
const schema = z.looseObject({
  id: z.int(),
  name: z.string(),
  url: z.string(),
  key: z.string().nullish(),
  distributions: list,
  disabled_pockets: list,
  disabled_components: list,
  components: list,
  arches: list,
  disable_sources: z.boolean(),
  enabled: z.boolean(),
});

/** A package repository for machines. */
interface RepositoryFields {
  readonly url: string;
  /** The armored key without surrounding white space, as MAAS stores it; `""` for the archive's own key. */
  readonly key: string;
  /** `["noble", "noble-updates"]`; not for the default repositories. */
  readonly distributions: readonly string[];
  /** A subset of `updates`, `security`, `backports`. */
  readonly disabledPockets: readonly string[];
  /** A subset of `restricted`, `universe`, `multiverse`; default repositories only. */
  readonly disabledComponents: readonly string[];
  /** Not for the default repositories. */
  readonly components: readonly string[];
  readonly arches: readonly string[];
  readonly disableSources: boolean;
  readonly enabled: boolean;
}

export interface PackageRepository extends RepositoryFields {
  readonly id: number;
  readonly name: string;
}

export async function listPackageRepositories(maas: MaasReader): Promise<PackageRepository[]> {
  const step = "reading the package repositories of MAAS";
  const answer = await maas.get("package-repositories/", { step });
  return checkedAnswer(z.array(schema), answer, step).map(repositoryOf);
}

export async function createPackageRepository(
  maas: MaasClient,
  name: string,
  fields: Partial<RepositoryFields>,
): Promise<PackageRepository> {
  const step = `creating the package repository ${name} in MAAS`;
  const body = { json: { name, ...jsonOf(fields) } };
  return repositoryOf(checkedAnswer(schema, await maas.post("package-repositories/", { step, body }), step));
}

/** Changes the given fields, and the name if given. */
export async function updatePackageRepository(
  maas: MaasClient,
  id: number,
  fields: Partial<RepositoryFields> & { readonly name?: string },
): Promise<PackageRepository> {
  const { name, ...rest } = fields;
  const step = `changing the package repository ${name ?? id} of MAAS`;
  // A form cannot clear components and distributions. Only JSON can express an empty list.
  const body = { json: { ...(name === undefined ? {} : { name }), ...jsonOf(rest) } };
  const answer = await maas.put(`package-repositories/${id}/`, { step, body });
  return repositoryOf(checkedAnswer(schema, answer, step));
}

/** MAAS refuses this for the two default repositories. */
export async function deletePackageRepository(maas: MaasClient, id: number): Promise<void> {
  await maas.delete(`package-repositories/${id}/`, { step: `deleting the package repository ${id} of MAAS` });
}

const jsonNames: Readonly<Record<keyof RepositoryFields, string>> = {
  url: "url",
  key: "key",
  distributions: "distributions",
  disabledPockets: "disabled_pockets",
  disabledComponents: "disabled_components",
  components: "components",
  arches: "arches",
  disableSources: "disable_sources",
  enabled: "enabled",
};

function jsonOf(fields: Partial<RepositoryFields>): Record<string, unknown> {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [jsonNames[name as keyof RepositoryFields], value]));
}

function repositoryOf(found: z.output<typeof schema>): PackageRepository {
  return {
    id: found.id,
    name: found.name,
    url: found.url,
    key: (found.key ?? "").trim(),
    distributions: found.distributions ?? [],
    disabledPockets: found.disabled_pockets ?? [],
    disabledComponents: found.disabled_components ?? [],
    components: found.components ?? [],
    arches: found.arches ?? [],
    disableSources: found.disable_sources,
    enabled: found.enabled,
  };
}
