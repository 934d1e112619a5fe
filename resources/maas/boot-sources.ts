import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { type ImageVersions, versionsOf } from "../../content/simplestreams/maas-images.ts";
import { ExplainedError } from "../../errors/explained-error.ts";
import { type RememberedSource, remembered } from "../../maas/boot-sources/restoring.ts";
import { type FoundSource, samePlace, sourceAt, type WantedSource } from "../../maas/boot-sources/state.ts";
import { bootSourceSteps } from "../../maas/boot-sources/steps.ts";
import type { MaasClient } from "../../maas/client.ts";
import { getConfig } from "../../maas/operations/config.ts";
import { comparedTo } from "../../maas/operations/version.ts";
import {
  defineResource,
  type Observation,
  PartlyApplied,
  type ResourceContext,
} from "../kernel/definition.ts";
import { type ResourceArgs, resourceClass } from "../kernel/resource.ts";
import {
  type Commissioning,
  dismissNotifications,
  forgetNotifications,
  isSelected,
  notificationsBefore,
} from "./boot-sources/caused-notifications.ts";
import { executeSteps, IndexUnread } from "./boot-sources/execute-steps.ts";
import { importImages } from "./boot-sources/import.ts";
import { byPriority, type DeclaredSource, type Inputs, inputsSchema } from "./boot-sources/inputs.ts";
import { defaultLimits, type Limits } from "./boot-sources/limits.ts";
import { inOrderStatus, observedImages, observedSources } from "./boot-sources/observed-sources.ts";
import {
  checkMirror,
  type ImportBlocker,
  importBlocker,
  type OfferedImage,
} from "./boot-sources/preflight.ts";
import { proxyWarnings } from "./boot-sources/proxy-warnings.ts";
import { readImages, readSources } from "./boot-sources/read-sources.ts";
import { restoreSources } from "./boot-sources/restore-sources.ts";
import { readerOnHost, readerOnWorkstation, type StreamReader } from "./boot-sources/stream-reader.ts";
import {
  beforeAnother,
  beforeLedger,
  connectionInputs,
  type MaasConnectionArgs,
} from "./region/connection.ts";
import { regionOf } from "./region/region.ts";

const outputs = z.object({
  before: z
    .custom<readonly RememberedSource[]>()
    .describe("The previous sources of MAAS, which are restored when the resource is removed."),
});
type Outputs = z.output<typeof outputs>;

/** All boot sources of one region. See MaasBootSources. */
export const maasBootSources = defineResource({
  kind: "MaasBootSources",
  version: 1,
  inputs: inputsSchema,
  outputs,
  status: inOrderStatus,
  secrets: ["apiKey"],

  async observe(context, declared, outputs) {
    const { client } = await regionOf(context.host, declared, context.warn);
    const urls = Object.values(declared.sources).map(({ url }) => url);
    const [sources, images] = await client.sharing(async (reader) => [
      await readSources(reader, (source) => urls.some((url) => samePlace(url, source.url))),
      declared.import ? await readImages(reader, declared.images) : undefined,
    ]);
    const found = observedSources(declared, sources);
    return {
      inputs: { ...declared, sources: found.sources, images: observedImages(declared, images) },
      outputs: { before: outputs?.before ?? [] },
      status: found.status,
    };
  },

  apply: (context, wanted, observed) => apply(defaultLimits, context, wanted, observed),
  remove: (context, declared, outputs) => remove(defaultLimits, context, declared, outputs),
});

/** The same with other time limits. */
export function maasBootSourcesWith(limits: Limits): typeof maasBootSources {
  return {
    ...maasBootSources,
    apply: (context, wanted, observed) => apply(limits, context, wanted, observed),
    remove: (context, declared, outputs) => remove(limits, context, declared, outputs),
  };
}

async function apply(
  limits: Limits,
  context: ResourceContext,
  wanted: Inputs,
  observed: Observation<Inputs, Outputs> | undefined,
): Promise<Outputs> {
  const region = await regionOf(context.host, wanted, context.warn);
  const { client } = region;
  const seen = wanted.maas.direct ? readerOnWorkstation() : readerOnHost(context.host);
  const sources = await readSources(client);
  const offered = await checkMirrors(seen, wanted);
  const blocking = await blockersOf(seen, wanted, sources);
  // Since 3.8 MAAS skips a source that it cannot read, and notifies about it.
  if (comparedTo(region.version, 3, 8) < 0) refuseBlocked(wanted, blocking);
  for (const line of await proxyWarnings(client)) context.warn(line);
  const images = wanted.import ? { ...versionsOf(offered), ...wanted.images } : {};
  const imageStates = await readImages(client, images);
  const commissioning = await commissioningOf(client);
  const ours = Object.values(wanted.sources).map(({ url }) => url);
  const plan = (from: readonly FoundSource[], blocks: (id: number) => boolean) =>
    bootSourceSteps(
      {
        version: region.version,
        sources: from,
        blocking: new Set([...blocking.keys()].filter(blocks)),
        commissioning,
        lacksImages: Object.entries(images).some(
          ([image, version]) => imageStates[image]?.complete !== version,
        ),
      },
      {
        sources: byPriority(wanted.sources).map(([, source]) => wantedSource(source)),
        exclusive: wanted.exclusive,
        import: wanted.import,
      },
    );
  const isUnreachable = (id: number) => blocking.get(id)?.unreachable ?? false;
  const steps = plan(sources, (id) => !isUnreachable(id));
  const before = await remember(context, wanted, sources, observed?.outputs.before ?? []);
  const ledger = beforeLedger(context, wanted);
  const changesSources = steps.some((step) => step.do !== "import");
  let changed = false;
  const work = {
    region,
    progress: context.progress,
    changing: () => {
      changed = true;
    },
    import: () => importImages(client, images, ours, limits, context.progress),
  };
  try {
    const notified = await notificationsBefore(client, ledger, changesSources);
    const hasUnreachable = wanted.exclusive && [...blocking.keys()].some(isUnreachable);
    const stepLimits = hasUnreachable ? { ...limits, refreshMs: limits.refreshBesideDeadMs } : limits;
    await executeSteps(steps, { ...work, limits: stepLimits }).catch(async (error: unknown) => {
      if (!hasUnreachable || !(error instanceof IndexUnread)) throw error;
      context.progress("MAAS waits for sources that it cannot reach: they are deleted first");
      await executeSteps(
        plan(await readSources(client), () => true),
        { ...work, limits },
      );
    });
    if (notified) {
      // The first import of an LTS release may have changed the commissioning release.
      const { os, release } = await commissioningOf(client);
      const selecting = Object.values(wanted.sources);
      await dismissNotifications(client, notified, selecting, { os, release }, true);
      if (wanted.exclusive && !isSelected(selecting, { os, release })) {
        context.warn(
          `MAAS commissions machines with ${os}/${release}, which no source selects, and notifies its users about that: select it, or set another commissioning release (commissioning_distro_series)`,
        );
      }
      await forgetNotifications(ledger);
    }
  } catch (error) {
    throw changed ? new PartlyApplied(error as Error, { before }) : error;
  }
  return { before };
}

async function commissioningOf(client: MaasClient): Promise<Commissioning> {
  return { os: "ubuntu", release: String(await getConfig(client, "commissioning_distro_series")) };
}

async function remove(
  limits: Limits,
  context: ResourceContext,
  declared: Inputs,
  outputs: Outputs,
): Promise<void> {
  const region = await regionOf(context.host, declared, context.warn);
  const ledger = beforeLedger(context, declared);
  const stored = outputs.before?.length ? { sources: outputs.before } : {};
  const kept = (await ledger.recall(stored as never)) as Remembered;
  const ours = Object.values(declared.sources).map(({ url }) => url);
  const before = declared.fallback ? [fallbackSource(declared.fallback)] : (kept.sources ?? []);
  const seen = declared.maas.direct ? readerOnWorkstation() : readerOnHost(context.host);
  const notified = (await notificationsBefore(region.client, ledger, true)) ?? [];
  await restoreSources({ region, seen, limits, warn: context.warn }, ours, before);
  const commissioning = await commissioningOf(region.client);
  await dismissNotifications(region.client, notified, await readSources(region.client), commissioning, false);
  await ledger.keep({});
}

function fallbackSource({
  url,
  keyring,
  keyringFilename,
}: NonNullable<Inputs["fallback"]>): RememberedSource {
  return { url, keyring: keyring ?? "", keyringFilename: keyringFilename ?? "", selections: [] };
}

interface Remembered {
  readonly sources?: readonly RememberedSource[];
}

function wantedSource({ url, keyring, selections }: DeclaredSource): WantedSource {
  return { url, keyring: Buffer.from(keyring, "base64"), selections };
}

/** All images of the declared mirrors for MAAS; of two with the same image the first one counts. */
async function checkMirrors(seen: StreamReader, { sources, images }: Inputs): Promise<OfferedImage[]> {
  const offered: OfferedImage[] = [];
  for (const [name, source] of byPriority(sources)) offered.push(...(await checkMirror(seen, name, source)));
  const versions: ImageVersions = versionsOf(offered);
  const moved = Object.entries(images).filter(([image, version]) => versions[image] !== version);
  if (moved.length === 0) return offered;
  const few = moved
    .slice(0, 5)
    .map(([image, version]) => `${image} ${versions[image] ?? "not at all"}, not ${version}`);
  throw new ExplainedError({
    step: "checking the mirrors' images before MAAS is configured",
    found: `they have ${few.join("; ")}${moved.length > 5 ? "; ..." : ""}`,
    remedy: "The mirror has changed since the preview: run the preview again. MAAS was not changed.",
    values: ["images"],
  });
}

/** Why each of the other sources would stop every import, by its id. */
async function blockersOf(
  seen: StreamReader,
  { sources }: Inputs,
  found: readonly FoundSource[],
): Promise<ReadonlyMap<number, ImportBlocker>> {
  const adopted = Object.values(sources).map(({ url }) => sourceAt(found, url));
  const blockages = new Map<number, ImportBlocker>();
  for (const source of found) {
    if (adopted.includes(source)) continue;
    const blocked = await importBlocker(seen, source);
    if (blocked) blockages.set(source.id, { ...blocked, reason: `${source.url}: ${blocked.reason}` });
  }
  return blockages;
}

/** MAAS does not report why its imports stop, so this error does. */
function refuseBlocked(
  { exclusive, import: imports }: Inputs,
  blocking: ReadonlyMap<number, ImportBlocker>,
): void {
  if (exclusive || !imports || blocking.size === 0) return;
  throw new ExplainedError({
    step: "checking the other boot sources of MAAS",
    found: `MAAS gets nothing from ${blocking.size === 1 ? "one of them" : `${blocking.size} of them`}, so that every import stops there without an error message:\n    ${[...blocking.values()].map(({ reason }) => reason).join("\n    ")}`,
    remedy:
      "Repair or delete these sources, or declare exclusive: true to remove all others. MAAS was not changed.",
    values: ["exclusive"],
  });
}

async function remember(
  context: ResourceContext,
  inputs: Inputs,
  sources: readonly FoundSource[],
  stored: readonly RememberedSource[],
): Promise<readonly RememberedSource[]> {
  if (stored.length > 0) return stored;
  const ledger = beforeLedger(context, inputs);
  const kept = await ledger.remember({ sources: sources.map(remembered) } as never, {});
  return (kept as Remembered).sources ?? [];
}

/**
 * The image sources of a MAAS: all sources of one region, since MAAS imports from all of them in one run, and an
 * unreachable one stops every import. Created by MaasBootSource.
 */
export class MaasBootSources extends resourceClass(maasBootSources) {
  constructor(
    name: string,
    { maas, ...args }: { maas: MaasConnectionArgs } & MaasBootSourcesArgs,
    options?: pulumi.CustomResourceOptions,
  ) {
    super(name, { ...connectionInputs(maas), ...args }, { ...beforeAnother, ...options });
  }
}

type MaasBootSourcesArgs = Omit<ResourceArgs<typeof maasBootSources>, "host" | "maas" | "apiKey">;
