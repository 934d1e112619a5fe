import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { ownValue } from "../../content/own-value.ts";
import type { MaasClient, MaasReader } from "../../maas/client.ts";
import { getConfig } from "../../maas/operations/config.ts";
import {
  createPackageRepository,
  deletePackageRepository,
  listPackageRepositories,
  type PackageRepository,
  updatePackageRepository,
} from "../../maas/operations/package-repositories.ts";
import { MaasRefusal } from "../../maas/refusal.ts";
import { beforeSchema } from "../host/ledger/before-ledger.ts";
import type { Declared } from "../kernel/declared.ts";
import { defineResource, type Json, PartlyApplied, type ResourceContext } from "../kernel/definition.ts";
import { hostInput } from "../kernel/host-input.ts";
import { resourceClass } from "../kernel/resource.ts";
import { same } from "../kernel/stored-properties.ts";
import { archiveWarning } from "./archive/archive-check.ts";
import { type DefaultName, defaultArchive } from "./archive/default-archives.ts";
import {
  archiveOf,
  type CustomRepository,
  customOf,
  type DefaultArchive,
  defaultArchiveSchema,
  repositorySchema,
} from "./archive/repository-values.ts";
import {
  beforeAnother,
  beforeLedger,
  connectionInputs,
  type MaasConnectionArgs,
  maasInputs,
} from "./region/connection.ts";
import { regionOf } from "./region/region.ts";

const schema = z.strictObject({
  host: hostInput,
  ...maasInputs,
  archives: z
    .strictObject({
      main_archive: defaultArchiveSchema.optional(),
      ports_archive: defaultArchiveSchema.optional(),
    })
    .default({})
    .describe("MAAS's two default archives. Archives and values that are left out are not changed."),
  repositories: z
    .record(
      z
        .string()
        .trim()
        .min(1, "is empty")
        .max(41, "has more than 41 characters")
        .refine(
          (name) => !["main_archive", "ports_archive"].includes(name),
          "is a default archive of MAAS: declare it in archives",
        ),
      repositorySchema,
    )
    .default({})
    .describe("Further repositories by name."),
});

type Inputs = z.output<typeof schema>;

/** A declared repository, and its actual state in MAAS. */
interface Pair {
  readonly name: string;
  readonly isDefault: boolean;
  readonly wanted: DefaultArchive | CustomRepository | undefined;
  readonly found: PackageRepository | undefined;
}

export const maasArchive = defineResource({
  kind: "MaasArchive",
  version: 1,
  inputs: schema,
  outputs: z.object({
    ids: z.record(z.string(), z.number()).describe("MAAS's number of each declared repository."),
    before: beforeSchema.describe(
      "Original values of each, before its first declaration; null if it did not exist.",
    ),
  }),
  secrets: ["apiKey"],

  async observe(context, declared, outputs) {
    const { client } = await regionOf(context.host, declared, context.warn);
    const ids = outputs?.ids ?? {};
    const pairs = await client.sharing((reader) => pairsOf(reader, declared, ids, namesIn(declared)));
    const existing = pairs.filter(({ name, found }) => found && (isDefault(name) || found.name === name));
    const found = (defaults: boolean) =>
      Object.fromEntries(
        existing.flatMap((pair) => (pair.isDefault === defaults ? [[pair.name, declaredForm(pair)]] : [])),
      );
    return {
      inputs: { ...declared, archives: found(true), repositories: found(false) } as Inputs,
      outputs: { ids: { ...ids, ...idsOf(pairs) }, before: outputs?.before ?? {} },
    };
  },

  async apply(context, wanted, observed) {
    const { client } = await regionOf(context.host, wanted, context.warn);
    const ledger = beforeLedger(context, wanted);
    const stored = await ledger.recall(observed?.outputs.before ?? {});
    const known = observed?.outputs.ids ?? {};
    const names = namesIn(wanted);
    const dropped = Object.keys(stored).filter((name) => !names.includes(name));
    const pairs = await pairsOf(client, wanted, known, [...names, ...dropped]);
    const declared = pairs.filter(({ wanted }) => wanted !== undefined);
    const changing = declared.filter((pair) => !matchesDeclaration(pair));
    await checkArchives(context, client, wanted, changing);
    const before = await ledger.remember(
      Object.fromEntries(declared.map((pair) => [pair.name, pair.found ? declaredForm(pair) : null])),
      stored,
    );
    const left: Record<string, Json> = { ...before };
    const ids: Record<string, number> = idsOf(declared);
    let changed = false;
    try {
      for (const pair of changing) {
        ids[pair.name] = await write(context, client, pair);
        changed = true;
      }
      for (const name of Object.keys(before).filter((name) => !names.includes(name))) {
        const pair = pairs.find((one) => one.name === name);
        await restore(client, name, ownValue(before, name) ?? null, pair?.found);
        delete left[name];
        changed = true;
      }
    } catch (error) {
      throw changed ? new PartlyApplied(error as Error, { ids, before: left }) : error;
    }
    if (!same(left, before)) await ledger.keep(left);
    return { ids, before: left };
  },

  async remove(context, declared, outputs) {
    const { client } = await regionOf(context.host, declared, context.warn);
    const ledger = beforeLedger(context, declared);
    const before = await ledger.recall(outputs.before ?? {});
    const pairs = await pairsOf(client, declared, outputs.ids ?? {}, Object.keys(before));
    for (const { name, found } of pairs) await restore(client, name, ownValue(before, name) ?? null, found);
    await ledger.keep({});
  },
});

function isDefault(name: string): name is DefaultName {
  return name === "main_archive" || name === "ports_archive";
}

function namesIn({ archives, repositories }: Inputs): string[] {
  const defaults = Object.entries(archives).flatMap(([name, archive]) => (archive ? [name] : []));
  return [...defaults, ...Object.keys(repositories)];
}

/** One request, and another one for a default archive whose name and number do not match. */
async function pairsOf(
  reader: MaasReader,
  { archives, repositories }: Inputs,
  ids: Readonly<Record<string, number>>,
  names: readonly string[],
): Promise<Pair[]> {
  const all = await listPackageRepositories(reader);
  const pairs: Pair[] = [];
  for (const name of names) {
    const found = isDefault(name)
      ? await defaultArchive(reader, all, name, ownValue(ids, name))
      : (all.find((one) => one.name === name) ?? all.find((one) => one.id === ownValue(ids, name)));
    const wanted = isDefault(name) ? archives[name] : ownValue(repositories, name);
    pairs.push({ name, isDefault: isDefault(name), wanted, found });
  }
  return pairs;
}

function declaredForm({ found, isDefault }: Pair): Json {
  if (!found) return null;
  return (isDefault ? archiveOf(found) : customOf(found)) as unknown as Json;
}

function idsOf(pairs: readonly Pair[]): Record<string, number> {
  return Object.fromEntries(pairs.flatMap(({ name, found }) => (found ? [[name, found.id]] : [])));
}

/** A default archive may have another name: MAAS does not identify it by name. */
function matchesDeclaration(pair: Pair): boolean {
  const { name, isDefault, found, wanted } = pair;
  return same(declaredForm(pair), wanted as unknown as Json) && (isDefault || found?.name === name);
}

/** Checked from the region host, which is in the same network as the machines. Without SSH this is not possible. */
async function checkArchives(
  context: ResourceContext,
  client: MaasClient,
  { maas }: Inputs,
  pairs: readonly Pair[],
): Promise<void> {
  const archives = pairs.flatMap(({ name, wanted }) =>
    wanted && !wanted.url.startsWith("ppa:") ? [{ name, wanted }] : [],
  );
  if (maas.direct || archives.length === 0) return;
  const release = String((await getConfig(client, "commissioning_distro_series")) ?? "");
  for (const { name, wanted } of archives) {
    const [suite = release] = "distributions" in wanted ? wanted.distributions : [];
    const warning = await archiveWarning(context.host, { name, url: wanted.url, key: wanted.key, suite });
    if (warning) context.warn(warning);
  }
}

async function write(context: ResourceContext, client: MaasClient, pair: Pair): Promise<number> {
  const { name, isDefault, wanted = {}, found } = pair;
  if (!found) return (await createPackageRepository(client, name, wanted)).id;
  if (isDefault && found.name !== name) {
    context.warn(
      `MAAS's ${name} has the name ${found.name} in MAAS (number ${found.id}), which is not changed`,
    );
  }
  const { id } = await updatePackageRepository(client, found.id, {
    ...wanted,
    ...(isDefault ? {} : { name }),
  });
  return id;
}

/** @param before Its original values; null if it did not exist. */
async function restore(
  client: MaasClient,
  name: string,
  before: Json,
  found: PackageRepository | undefined,
): Promise<void> {
  if (before === null) {
    if (!found) return;
    await deletePackageRepository(client, found.id).catch((error: unknown) => {
      if (!(error instanceof MaasRefusal) || error.status !== 404) throw error;
    });
    return;
  }
  const fields = before as unknown as DefaultArchive | CustomRepository;
  if (!found) await createPackageRepository(client, name, fields);
  else await updatePackageRepository(client, found.id, fields);
}

/**
 * The package repositories that MAAS configures on deployed machines: its two default archives, and further ones. An
 * existing repository with the same name is adopted. When it is no longer declared, its original values are restored.
 *
 *     new MaasArchive("archive", {
 *       maas: { host: "maas.dc1" },
 *       archives: { main_archive: { url: "http://mirror.dc1.example/ubuntu", key: mirror.publicKey } },
 *     });
 *
 * @throws ExplainedError if MAAS refuses a value, or if a renamed default archive cannot be identified.
 */
export class MaasArchive extends resourceClass(maasArchive) {
  constructor(name: string, { maas, ...rest }: MaasArchiveArgs, options?: pulumi.CustomResourceOptions) {
    super(name, { ...connectionInputs(maas), ...rest }, { ...beforeAnother, ...options });
  }
}

export interface MaasArchiveArgs {
  readonly maas: MaasConnectionArgs;
  readonly archives?: Declared<z.input<typeof schema>["archives"]>;
  readonly repositories?: Declared<z.input<typeof schema>["repositories"]>;
}
