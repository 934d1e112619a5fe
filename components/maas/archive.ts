import * as pulumi from "@pulumi/pulumi";
import { isFlat } from "../../content/apt/suite-place.ts";
import { pathText } from "../../errors/wrong-input.ts";
import {
  MaasArchive as RegionArchive,
  type MaasArchiveArgs as RegionArchiveArgs,
} from "../../resources/maas/archive.ts";
import type { AptMirror } from "../apt-mirror/apt-mirror.ts";
import { seenRegion } from "../region/region-check.ts";
import {
  type ArchiveSource,
  type DefaultArchiveArgs,
  disabledBy,
  type MaasArchiveArgs,
  maasArchiveSchema,
  misfit,
  type RepositoryArgs,
} from "./archive-args.ts";

/**
 * What deployed machines get their packages from: MAAS's two default archives, pointed at a mirror with the key that it needs,
 * and further repositories.
 *
 * @example
 * new MaasArchive("archive", { maas: { host: "maas" }, mainArchive: { mirror: ubuntu } });
 */
export class MaasArchive extends pulumi.ComponentResource {
  /** MAAS's number of each repository, by name. */
  readonly ids: pulumi.Output<Readonly<Record<string, number>>>;

  constructor(name: string, args: MaasArchiveArgs, options?: pulumi.ComponentResourceOptions) {
    super("airgapped-maas:index:MaasArchive", name, {}, options);
    check(name, args);
    const maas = seenRegion(this, `MaasArchive ${name}`, args.maas);
    const { mainArchive, portsArchive, repositories = {} } = args;
    const archives = {
      ...(mainArchive ? { main_archive: defaultArchive(mainArchive) } : {}),
      ...(portsArchive ? { ports_archive: defaultArchive(portsArchive) } : {}),
    };
    const inputs = {
      maas,
      archives,
      repositories: Object.fromEntries(
        Object.entries(repositories).map(([key, one]) => [key, repository(one)]),
      ),
    } as RegionArchiveArgs;
    // Machines are sent to a mirror when it is published and served, not before.
    const mirrors = [mainArchive, portsArchive, ...Object.values(repositories)].flatMap((one) =>
      one?.mirror ? [one.mirror] : [],
    );
    const region = new RegionArchive(`${name}-repositories`, inputs, { parent: this, dependsOn: mirrors });
    this.ids = region.ids;
    this.registerOutputs({ ids: this.ids });
  }
}

function sourceOf({ mirror, url, key }: ArchiveSource): {
  url: pulumi.Input<string>;
  key: pulumi.Input<string>;
} {
  if (!mirror) return { url, key: key ?? "" };
  return { url: mirror.url, key: mirror.publicKey.apply((armored) => armored ?? "") };
}

function defaultArchive(args: DefaultArchiveArgs) {
  const held = args.mirror ? disabledBy(args.mirror) : { disabledPockets: [], disabledComponents: [] };
  return {
    ...sourceOf(args),
    disabledPockets: args.disabledPockets ?? held.disabledPockets,
    disabledComponents: args.disabledComponents ?? held.disabledComponents,
    disableSources: args.disableSources ?? true,
  };
}

function repository(args: RepositoryArgs) {
  const { mirror, url: _, key: __, ...rest } = args;
  const held = mirror ? { components: mirror.components, arches: mirror.architectures } : {};
  return { ...sourceOf(args), ...held, ...rest };
}

/** @throws pulumi.RunError that lists everything that is wrong with the arguments */
function check(name: string, { maas: _, ...args }: MaasArchiveArgs): void {
  const result = maasArchiveSchema.safeParse({
    ...args,
    ...(args.mainArchive ? { mainArchive: checkable(args.mainArchive) } : {}),
    ...(args.portsArchive ? { portsArchive: checkable(args.portsArchive) } : {}),
    ...(args.repositories
      ? {
          repositories: Object.fromEntries(
            Object.entries(args.repositories).map(([key, one]) => [key, checkable(one)]),
          ),
        }
      : {}),
  });
  const lines = (result.error?.issues ?? []).map((issue) => `  ${pathText(issue.path)}: ${issue.message}`);
  for (const archive of ["mainArchive", "portsArchive"] as const) {
    const mirror: AptMirror | undefined = args[archive]?.mirror;
    const fault = mirror && misfit(archive, mirror);
    if (fault) lines.push(`  ${archive}.mirror: ${fault}`);
  }
  for (const [key, { mirror }] of Object.entries(args.repositories ?? {})) {
    const path = mirror?.suites.find(isFlat);
    if (path !== undefined) {
      lines.push(
        `  repositories.${key}.mirror: ${path} is a flat repository: MAAS writes "deb URL ${path} main" for machines, and apt refuses that. Give machines the mirror's sourcesEntry in another way, such as cloud-init`,
      );
    }
  }
  if (lines.length > 0) {
    throw new pulumi.RunError(`MaasArchive ${name} cannot be declared so:\n${lines.join("\n")}`);
  }
}

/** The schema knows mirrors by name; a key may come late, and is then checked when it is there. */
function checkable(args: ArchiveSource): object {
  const { mirror, key, ...rest } = args;
  return {
    ...rest,
    ...(mirror ? { mirror: "given" } : {}),
    ...(typeof key === "string" ? { key } : {}),
  };
}
