import { setTimeout as pause } from "node:timers/promises";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { sourceAt, type WantedSource } from "../../../maas/boot-sources/state.ts";
import type { BootSourceStep } from "../../../maas/boot-sources/steps.ts";
import type { MaasClient } from "../../../maas/client.ts";
import { startImport } from "../../../maas/operations/boot-resources.ts";
import {
  type BootSource,
  type BootSourceFields,
  createBootSource,
  deleteBootSource,
  listBootSources,
  updateBootSource,
} from "../../../maas/operations/boot-sources.ts";
import { createSelection, deleteSelection, updateSelection } from "../../../maas/operations/selections.ts";
import { comparedTo } from "../../../maas/operations/version.ts";
import { MaasRefusal } from "../../../maas/refusal.ts";
import type { MaasSelection } from "../../../values/maas-selection.ts";
import type { MaasRegion } from "../region/region.ts";
import { importerErrors } from "./importer-notifications.ts";
import type { Limits } from "./limits.ts";

interface Work {
  readonly region: MaasRegion;
  readonly limits: Limits;
  progress(line: string): void;
  /** Called before each request that changes something. */
  changing(): void;
  /** Starts an import and waits until all images are complete. */
  import(): Promise<void>;
}

/** Executes steps in order. */
export async function executeSteps(steps: readonly BootSourceStep[], work: Work): Promise<void> {
  for (const step of steps) {
    work.changing();
    await stepOf(step, work);
  }
}

async function stepOf(step: BootSourceStep, work: Work): Promise<void> {
  const { client, version } = work.region;
  const since38 = comparedTo(version, 3, 8) >= 0;
  switch (step.do) {
    case "make source":
      work.progress(`creating the boot source ${step.source.url}`);
      await createBootSource(client, fieldsOf(step.source, since38));
      return;
    case "change source":
      work.progress(`changing the boot source ${step.source.url}`);
      await updateBootSource(client, step.id, fieldsOf(step.source, since38));
      return;
    case "refresh":
      work.progress(`letting MAAS read the index of ${step.source.url} again`);
      await save(client, step.source, since38);
      return;
    case "refresh by import":
      work.progress("letting MAAS read the index of its first source again, by an import");
      await startImport(client);
      return;
    case "delete source":
      work.progress(`deleting the boot source ${step.url}`);
      await deleteBootSource(client, step.id);
      return;
    case "select":
      work.progress(`selecting ${step.selection.os}/${step.selection.release}`);
      return select(step.url, step.selection, work);
    case "reselect":
      work.progress(`changing the selection of ${step.selection.os}/${step.selection.release}`);
      return untilKnown(String(step.source), work, async () => {
        await updateSelection(client, step.source, step.id, step.selection);
      });
    case "deselect":
      work.progress(`deleting the selection of ${step.selection.os}/${step.selection.release}`);
      await deleteSelection(client, step.source, step.id);
      return;
    case "import":
      return work.import();
  }
}

async function select(url: string, selection: MaasSelection, work: Work): Promise<void> {
  const { client } = work.region;
  const source = await existingSource(client, url);
  await untilKnown(url, work, async () => {
    await createSelection(client, source.id, selection);
  });
}

/**
 * MAAS accepts a selection only after it has read the source's index, which it does some time after the source was
 * saved. Until then it refuses unknown releases.
 */
export async function untilKnown(
  source: string,
  { region: { client }, limits, progress }: Pick<Work, "region" | "limits" | "progress">,
  attempt: () => Promise<void>,
): Promise<void> {
  const until = Date.now() + limits.refreshMs;
  for (let wait = 250; ; wait = Math.min(wait * 2, limits.pollMs)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof MaasRefusal) || !error.says(/no available images/i)) throw error;
      if (Date.now() + wait > until) throw await indexUnread(client, source, limits, error);
      progress(`waiting until MAAS has read the index of the boot source ${source}`);
      await pause(wait);
    }
  }
}

/** MAAS did not read a source's index within the time limit. */
export class IndexUnread extends ExplainedError {}

async function indexUnread(
  client: MaasClient,
  source: string,
  { refreshMs }: Limits,
  cause: MaasRefusal,
): Promise<IndexUnread> {
  const { all: reported } = await importerErrors(client, []);
  const others = (await listBootSources(client)).map(({ url }) => url);
  return new IndexUnread({
    step: `waiting until MAAS has read the index of the boot source ${source}`,
    found: `after ${Math.round(refreshMs / 1000)} s it still answers: ${cause.explanation.found}. ${reported ? `Its image importer reports: ${reported}` : "Its image importer reports no error"}. Its sources are ${others.join(", ")}`,
    remedy:
      "The mirror can be read from the region host, so check what is different for MAAS: a proxy (http_proxy without boot_images_no_proxy), a missing keyring file, regiond's log. Completed steps are kept; then run the update again.",
    cause,
  });
}

/** Saves a source as declared. MAAS does not read the index of its first source again because of that. */
async function save(client: MaasClient, source: WantedSource, since38: boolean): Promise<void> {
  const existing = await existingSource(client, source.url);
  await updateBootSource(client, existing.id, fieldsOf(source, since38));
}

async function existingSource(client: MaasClient, url: string): Promise<BootSource> {
  const existing = sourceAt(await listBootSources(client), url);
  if (existing) return existing;
  throw new ExplainedError({
    step: `finding the boot source ${url} in MAAS`,
    found: "it does not exist any more",
    remedy:
      "Another client is changing the boot sources of this MAAS: run the update again when it has finished.",
  });
}

function fieldsOf({ url, keyring }: WantedSource, since38: boolean): BootSourceFields {
  return {
    url,
    // Before 3.8 MAAS also requires a keyring for an unsigned index, but never reads it.
    keyring: { data: keyring.length > 0 ? keyring : Buffer.from("none") },
    ...(since38 ? { enabled: true, skipKeyringVerification: url.endsWith(".json") } : {}),
  };
}
