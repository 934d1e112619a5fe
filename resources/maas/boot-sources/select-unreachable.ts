import type { RememberedSource } from "../../../maas/boot-sources/restoring.ts";
import { otherSpelling, samePlace, sourceAt } from "../../../maas/boot-sources/state.ts";
import {
  createBootSource,
  deleteBootSource,
  listBootSources,
  updateBootSource,
} from "../../../maas/operations/boot-sources.ts";
import { createSelection } from "../../../maas/operations/selections.ts";
import { comparedTo } from "../../../maas/operations/version.ts";
import { MaasRefusal } from "../../../maas/refusal.ts";
import type { MaasRegion } from "../region/region.ts";
import { untilKnown } from "./execute-steps.ts";
import type { Limits } from "./limits.ts";
import { importBlocker } from "./preflight.ts";
import type { StreamReader } from "./stream-reader.ts";

export interface Selecting {
  readonly region: MaasRegion;
  readonly seen: StreamReader;
  readonly limits: Limits;
}

/**
 * Restores the selections of a source that MAAS cannot reach. MAAS accepts a selection only for an index that it has
 * read, but before 3.8 a source keeps its selections when its address changes. So the source is created with the
 * address of our mirror, which serves the same stream, its releases are selected, and then it gets its own address. At
 * any interruption MAAS has a source, and the created one is deleted with ours.
 *
 * @param source The previous source; it exists now, without its selections.
 * @param ours Addresses of our sources, which still exist.
 * @returns Whether it has its selections. Not if no mirror of ours is signed by the keys of the source on the region
 * host.
 */
export async function selectUnreachable(
  { region, seen, limits }: Selecting,
  source: RememberedSource,
  ours: readonly string[],
): Promise<boolean> {
  const { client, version } = region;
  const { keyringFilename } = source;
  if (comparedTo(version, 3, 8) >= 0 || !keyringFilename) return false;
  const existing = await listBootSources(client);
  const withoutSelections = sourceAt(existing, source.url);
  for (const our of existing.filter(({ url }) => ours.some((one) => samePlace(one, url)))) {
    const url = otherSpelling(our.url);
    if (existing.some((one) => one.url === url)) continue;
    if (await importBlocker(seen, { ...our, url, keyringFilename, keyring: Buffer.alloc(0), selections: [] }))
      continue;
    const keyring = { filename: keyringFilename };
    const made = await createBootSource(client, { url, keyring });
    try {
      const indexLimits = { ...limits, refreshMs: limits.selectUnreachableMs };
      for (const selection of source.selections) {
        await untilKnown(url, { region, limits: indexLimits, progress: () => {} }, async () => {
          await createSelection(client, made.id, selection);
        });
      }
    } catch (error) {
      await deleteBootSource(client, made.id);
      if (!(error instanceof MaasRefusal) && !((error as Error).cause instanceof MaasRefusal)) throw error;
      continue;
    }
    if (withoutSelections) await deleteBootSource(client, withoutSelections.id);
    await updateBootSource(client, made.id, { url: source.url, keyring });
    return true;
  }
  return false;
}
