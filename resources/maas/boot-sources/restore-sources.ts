import { setTimeout as pause } from "node:timers/promises";
import {
  type RememberedSource,
  type RestoringStep,
  restoringSteps,
} from "../../../maas/boot-sources/restoring.ts";
import { type FoundSource, samePlace, sourceAt } from "../../../maas/boot-sources/state.ts";
import { startImport } from "../../../maas/operations/boot-resources.ts";
import {
  createBootSource,
  deleteBootSource,
  listBootSources,
  updateBootSource,
} from "../../../maas/operations/boot-sources.ts";
import { createSelection, deleteSelection, updateSelection } from "../../../maas/operations/selections.ts";
import { comparedTo } from "../../../maas/operations/version.ts";
import { MaasRefusal } from "../../../maas/refusal.ts";
import type { MaasRegion } from "../region/region.ts";
import { untilKnown } from "./execute-steps.ts";
import type { Limits } from "./limits.ts";
import { importBlocker } from "./preflight.ts";
import { readSources } from "./read-sources.ts";
import { type Selecting, selectUnreachable } from "./select-unreachable.ts";
import type { StreamReader } from "./stream-reader.ts";

interface RestoreOptions {
  readonly region: MaasRegion;
  readonly seen: StreamReader;
  readonly limits: Limits;
  readonly warn: (line: string) => void;
}

/**
 * Restores the previous boot sources of MAAS. If MAAS refuses a part, such as a selection from an unreachable source,
 * a warning is given.
 *
 * @param ours URLs that were declared.
 */
export async function restoreSources(
  { region, seen, limits, warn }: RestoreOptions,
  ours: readonly string[],
  before: readonly RememberedSource[],
): Promise<void> {
  const { client } = region;
  const steps = restoringSteps(region.version, await readSources(client), ours, before);
  const refusals: Refusal[] = [];
  const limitsFor = limitsBySource(seen, limits);
  const isOurs = ({ url }: { readonly url: string }) => ours.some((our) => samePlace(our, url));
  // Ours are deleted last, and stand in for the others until then.
  const firstDeletion = steps.findIndex((step) => step.do === "delete source" && isOurs(step));
  const [restoring, deleting] =
    firstDeletion < 0 ? [steps, []] : [steps.slice(0, firstDeletion), steps.slice(firstDeletion)];
  const refused = (refusal: Refusal) => void refusals.push(refusal);
  for (const step of restoring) await executeStep(region, step, limitsFor, refused);
  await selectAll({ region, seen, limits }, before, ours, refusals);
  for (const step of deleting) await executeStep(region, step, limitsFor, refused);
  if (refusals.length > 0 && !(await madeByMaas(region, before, limits))) {
    for (const { line } of refusals) warn(line);
  }
  const left = (await listBootSources(client)).map(({ url }) => url);
  const kept = left.filter(
    (url) => ours.some((our) => samePlace(our, url)) && !before.some((source) => samePlace(source.url, url)),
  );
  if (kept.length > 0) {
    warn(
      `${kept.join(", ")} stays a boot source of MAAS: there was no other before, and MAAS must always have one`,
    );
  }
  const deleted = steps.flatMap((step) => (step.do === "delete source" ? [step.url] : []));
  if (comparedTo(region.version, 3, 8) < 0 && steps.length > 0) {
    warn(`MAAS keeps its images until its next import, which then uses ${left.join(", ")}`);
  }
  if (comparedTo(region.version, 3, 8) >= 0 && deleted.length > 0) {
    warn(
      `the images from ${deleted.join(", ")} were deleted with it, as always since MAAS 3.8; the next import uses ${left.join(", ")}`,
    );
  }
}

/** A part that MAAS refused. With `url` it is a selection of a source that had to be created. */
interface Refusal {
  readonly line: string;
  readonly url?: string;
}

/** Tries another way for sources whose selections were refused, and removes the refusals of those that succeed. */
async function selectAll(
  selecting: Selecting,
  before: readonly RememberedSource[],
  ours: readonly string[],
  refusals: Refusal[],
): Promise<void> {
  for (const url of new Set(refusals.flatMap((refusal) => refusal.url ?? []))) {
    const source = before.find((one) => one.url === url);
    if (!source || ours.some((our) => samePlace(our, url))) continue;
    if (!(await selectUnreachable(selecting, source, ours))) continue;
    const rest = refusals.filter((refusal) => refusal.url !== url);
    refusals.splice(0, refusals.length, ...rest);
  }
}

/** The time limit for MAAS to read the index of a source: none if the region host could not read it either. */
function limitsBySource(
  seen: StreamReader,
  limits: Limits,
): (source: FoundSource | undefined) => Promise<Limits> {
  const checks = new Map<string, Promise<unknown>>();
  return async (source) => {
    if (!source) return { ...limits, refreshMs: 0 };
    const { url } = source;
    const known =
      checks.get(url) ??
      Promise.race([importBlocker(seen, source), pause(limits.putBackMs, "no answer", { ref: false })]);
    checks.set(url, known);
    return { ...limits, refreshMs: (await known) === undefined ? limits.putBackMs : 0 };
  };
}

async function executeStep(
  { client, version }: MaasRegion,
  step: RestoringStep,
  patience: (source: FoundSource | undefined) => Promise<Limits>,
  refused: (refusal: Refusal) => void,
): Promise<void> {
  switch (step.do) {
    case "make source":
      await createBootSource(client, step.fields);
      return;
    case "change source":
      await updateBootSource(client, step.id, step.fields);
      return;
    case "delete source":
      return deleteBootSource(client, step.id);
    case "select":
      return orRefused(`${named(step)} cannot be selected again from ${step.url}`, async () => {
        const source = sourceAt(await readSources(client), step.url);
        const limits = await patience(source);
        await untilKnown(step.url, { region: { client, version }, limits, progress: () => {} }, async () => {
          await createSelection(client, source?.id ?? 0, step.selection);
        });
      });
    case "reselect":
      return orRefused(`the selection of ${named(step)} is not restored`, async () => {
        await updateSelection(client, step.source, step.id, step.selection);
      });
    case "deselect":
      return orRefused(`the selection of ${named(step)} is not deleted`, () =>
        deleteSelection(client, step.source, step.id),
      );
  }

  async function orRefused(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const refusal = error instanceof MaasRefusal ? error : (error as Error).cause;
      if (!(refusal instanceof MaasRefusal) || refusal.status !== 400) throw error;
      const line = `${what}: ${refusal.explanation.found}`;
      refused(step.do === "select" ? { line, url: step.url } : { line });
    }
  }
}

function named({ selection: { os, release } }: Extract<RestoringStep, { selection: unknown }>): string {
  return `${os}/${release}`;
}

/**
 * In an air gap MAAS accepts no selection of images.maas.io. But before 3.8 it creates that source with its selection
 * itself, if an import finds no source: if nothing else was there before, it is restored completely this way.
 */
async function madeByMaas(
  { client, version }: MaasRegion,
  before: readonly RememberedSource[],
  limits: Limits,
): Promise<boolean> {
  const [only, ...more] = before;
  const [left, ...others] = await listBootSources(client);
  if (comparedTo(version, 3, 8) >= 0 || !only || !left || more.length + others.length > 0) return false;
  if (!only.keyringFilename || !only.url.includes("/ephemeral-v3/") || only.selections.length !== 1)
    return false;
  await deleteBootSource(client, left.id);
  try {
    await startImport(client);
  } catch {
    // Without an import MAAS creates none, and would have no source.
    await createBootSource(client, { url: only.url, keyring: { filename: only.keyringFilename } });
    return false;
  }
  const until = Date.now() + limits.putBackMs;
  for (let wait = 100; Date.now() < until; wait = Math.min(wait * 2, limits.pollMs)) {
    const [made] = await readSources(client);
    if (made && samePlace(made.url, only.url) && made.selections.length > 0) return true;
    if (made) break;
    await pause(wait);
  }
  const made = await listBootSources(client);
  if (made.some(({ url }) => samePlace(url, only.url))) return false;
  await createBootSource(client, { url: only.url, keyring: { filename: only.keyringFilename } });
  for (const { id } of made) await deleteBootSource(client, id);
  return false;
}
