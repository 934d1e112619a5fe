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
 * Gives a source its selections back that MAAS cannot reach. MAAS takes a selection only of an index that it has read, but
 * before 3.8 a source keeps its selections when its address changes: it is made with the address of our mirror, which serves
 * the same stream, selected from, and then gets its own address. Whatever moment this ends at, MAAS has a source, and what was
 * made goes with ours.
 *
 * @param source As it was; it is there by now, without its selections.
 * @param ours Addresses of our sources, which are there still.
 * @returns whether it has its selections. Not where no mirror of ours is signed by the keys that the source has on the region host.
 */
export async function selectUnreachable(
  { region, seen, limits }: Selecting,
  source: RememberedSource,
  ours: readonly string[],
): Promise<boolean> {
  const { client, version } = region;
  const { keyringFilename } = source;
  if (comparedTo(version, 3, 8) >= 0 || !keyringFilename) return false;
  const there = await listBootSources(client);
  const bare = sourceAt(there, source.url);
  for (const our of there.filter(({ url }) => ours.some((one) => samePlace(one, url)))) {
    const url = otherSpelling(our.url);
    if (there.some((one) => one.url === url)) continue;
    if (await importBlocker(seen, { ...our, url, keyringFilename, keyring: Buffer.alloc(0), selections: [] }))
      continue;
    const keyring = { filename: keyringFilename };
    const made = await createBootSource(client, { url, keyring });
    try {
      const patience = { ...limits, refreshMs: limits.selectUnreachableMs };
      for (const selection of source.selections) {
        await untilKnown(url, { region, limits: patience, progress: () => {} }, async () => {
          await createSelection(client, made.id, selection);
        });
      }
    } catch (error) {
      await deleteBootSource(client, made.id);
      if (!(error instanceof MaasRefusal) && !((error as Error).cause instanceof MaasRefusal)) throw error;
      continue;
    }
    if (bare) await deleteBootSource(client, bare.id);
    await updateBootSource(client, made.id, { url: source.url, keyring });
    return true;
  }
  return false;
}
