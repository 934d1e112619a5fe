import * as pulumi from "@pulumi/pulumi";
import { MaasArchive as RegionArchive } from "../../resources/maas/archive.ts";
import { maasConnectionSchema } from "../../resources/maas/region/connection.ts";
import type { AptMirror } from "../apt-mirror/apt-mirror.ts";
import type { Holdings } from "../apt-mirror/args.ts";
import {
  checkedArguments,
  type Fault,
  faultsOf,
  lateRefusal,
  plainly,
} from "../arguments/checked-arguments.ts";
import { atHand, derived, type Late } from "../arguments/late-values.ts";
import { seenRegion } from "../region/region-check.ts";
import {
  type ArchiveSettings,
  disabledBy,
  type MaasArchiveArgs,
  misfit,
  programArchiveSchema,
  unusable,
} from "./archive-args.ts";

/**
 * The package sources of deployed machines: MAAS's two default archives, with the URL and the key of a mirror, and
 * further repositories.
 *
 * @example
 * new MaasArchive("archive", { maas: { host: "maas" }, mainArchive: { mirror: ubuntu } });
 */
export class MaasArchive extends pulumi.ComponentResource {
  /** MAAS's number of each repository, by name. */
  readonly ids: pulumi.Output<Readonly<Record<string, number>>>;

  constructor(name: string, args: MaasArchiveArgs, options?: pulumi.ComponentResourceOptions) {
    super("airgapped-maas:index:MaasArchive", name, {}, options);
    const { maas, ...declared } = args;
    const called = `MaasArchive ${name}`;
    const used = mirrorsIn(declared);
    const { settings } = checkedArguments(this, called, declared, programArchiveSchema, [
      ...faultsOf(maasConnectionSchema, maas, ["maas"]),
      ...used.flatMap((one) => faultOf(one, atHand<Holdings>(one.mirror.holdings))),
    ]);
    const heldBy = (mirror: AptMirror) =>
      derived(mirror.holdings, (holdings) => {
        const faults = used.filter((one) => one.mirror === mirror).flatMap((one) => faultOf(one, holdings));
        if (faults.length > 0) throw lateRefusal(this, called, faults);
        return holdings;
      });
    const held = new Map(used.map(({ mirror }) => [mirror, heldBy(mirror)]));
    const inputs = derived(settings, ({ mainArchive, portsArchive, repositories }) => ({
      archives: {
        ...(mainArchive ? { main_archive: defaultArchive(mainArchive, held) } : {}),
        ...(portsArchive ? { ports_archive: defaultArchive(portsArchive, held) } : {}),
      },
      repositories: Object.fromEntries(
        Object.entries(repositories).map(([key, one]) => [key, repository(one, held)]),
      ),
    }));
    const region = new RegionArchive(
      `${name}-repositories`,
      {
        maas: seenRegion(this, called, plainly(maas)),
        archives: derived(inputs, ({ archives }) => archives),
        repositories: derived(inputs, ({ repositories }) => repositories),
      },
      // Machines get a mirror's URL only after the mirror is published and served.
      { parent: this, dependsOn: used.map(({ mirror }) => mirror) },
    );
    this.ids = region.ids;
    this.registerOutputs({ ids: this.ids });
  }
}

/** A mirror among the arguments, and the check whether MAAS can use it there. */
interface UsedMirror {
  readonly path: readonly string[];
  readonly mirror: AptMirror;
  fault(holdings: Holdings): string | undefined;
}

/** The mirrors among the arguments. The schema refuses a mirror that is an output. */
function mirrorsIn({ mainArchive, portsArchive, repositories }: Omit<MaasArchiveArgs, "maas">): UsedMirror[] {
  const used = (
    path: readonly string[],
    source: pulumi.Input<{ readonly mirror?: pulumi.Input<AptMirror | undefined> } | undefined>,
    fault: UsedMirror["fault"],
  ) => {
    const mirror = atHand(atHand(source)?.mirror);
    return mirror?.holdings === undefined ? [] : [{ path: [...path, "mirror"], mirror, fault }];
  };
  return [
    ...used(["mainArchive"], mainArchive, (holdings) => misfit("mainArchive", holdings)),
    ...used(["portsArchive"], portsArchive, (holdings) => misfit("portsArchive", holdings)),
    ...Object.entries(atHand(repositories) ?? {}).flatMap(([key, one]) =>
      used(["repositories", key], one, unusable),
    ),
  ];
}

/** The error of a mirror, if its content is known already. */
function faultOf({ path, fault }: UsedMirror, holdings: Holdings | undefined): Fault[] {
  const message = holdings && fault(holdings);
  return message ? [{ path, message }] : [];
}

type Held = ReadonlyMap<AptMirror, Late<Holdings>>;

function sourceOf({
  mirror,
  url = "",
  key = "",
}: {
  readonly mirror?: AptMirror | undefined;
  readonly url?: string | undefined;
  readonly key?: string | undefined;
}): { url: pulumi.Input<string>; key: pulumi.Input<string> } {
  if (!mirror) return { url, key };
  return { url: mirror.url, key: mirror.publicKey.apply((armored) => armored ?? "") };
}

/** A value that is derived from a mirror's content; undefined without a mirror. */
function fromMirror<Result>(
  mirror: AptMirror | undefined,
  held: Held,
  use: (holdings: Holdings) => Result,
): Late<Result> | undefined {
  const holdings = mirror && held.get(mirror);
  return holdings && derived(holdings, use);
}

function defaultArchive(source: NonNullable<ArchiveSettings["mainArchive"]>, held: Held) {
  const { mirror, disabledPockets, disabledComponents, disableSources } = source;
  const lacking = fromMirror(mirror, held, disabledBy);
  return {
    ...sourceOf(source),
    disabledPockets: disabledPockets ?? (lacking ? derived(lacking, (all) => all.disabledPockets) : []),
    disabledComponents:
      disabledComponents ?? (lacking ? derived(lacking, (all) => all.disabledComponents) : []),
    disableSources,
  };
}

function repository(source: ArchiveSettings["repositories"][string], held: Held) {
  const { mirror, url: _, key: __, ...rest } = source;
  const fromHeld = mirror
    ? {
        components: fromMirror(mirror, held, ({ components }) => components),
        // The resource reports architectures that MAAS does not know.
        arches: fromMirror(mirror, held, ({ architectures }) => architectures as typeof rest.arches),
      }
    : {};
  const declared = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return { ...sourceOf(source), ...fromHeld, ...(declared as typeof rest) };
}
