import type { MaasClient, MaasReader } from "../../../maas/client.ts";
import { deleteNotification, listNotifications } from "../../../maas/operations/notifications.ts";
import { MaasRefusal } from "../../../maas/refusal.ts";
import type { MaasSelection } from "../../../values/maas-selection.ts";
import type { BeforeLedger } from "../../host/ledger/before-ledger.ts";

/** The release that machines are commissioned with. */
export type Commissioning = Pick<MaasSelection, "os" | "release">;

/** A source, declared or found. */
interface Selecting {
  readonly selections: readonly Commissioning[];
}

/** Whether any of these sources is to give MAAS its commissioning release. */
export function isSelected(sources: readonly Selecting[], { os, release }: Commissioning): boolean {
  return sources.some(({ selections }) =>
    selections.some((selection) => selection.os === os && selection.release === release),
  );
}

/*
 * Up to 3.8 MAAS looks after each reading of its sources whether the commissioning release is selected and offered, and
 * notifies everybody where it is not. It never takes these notifications back (maasserver/bootsources.py).
 */
const unselected = "commissioning_series_unselected";
const unavailable = "commissioning_series_unavailable";

/** What the ledger calls the numbers of those that were there before a change that has not ended yet. */
const noted = "notifications";

/**
 * Which of those notifications were there before, noted on the region host: the next update ends what is killed, and must
 * not take for others' what this one brought about.
 *
 * @param changes whether sources are about to be changed.
 * @returns undefined where nothing was changed since, and nothing is about to be.
 */
export async function notificationsBefore(
  reader: MaasReader,
  ledger: BeforeLedger,
  changes: boolean,
): Promise<readonly number[] | undefined> {
  const kept = await ledger.recall({});
  const there = kept[noted] as readonly number[] | undefined;
  if (there || !changes) return there;
  const ids = (await commissioningNotifications(reader)).map(({ id }) => id);
  await ledger.keep({ ...kept, [noted]: ids });
  return ids;
}

/**
 * Takes back what our changes brought about and what is no longer true. What was there before stays.
 *
 * @param sources What is selected now.
 * @param offered Whether a source is known to have what is selected from it.
 */
export async function dismissNotifications(
  client: MaasClient,
  before: readonly number[],
  sources: readonly Selecting[],
  commissioning: Commissioning,
  offered: boolean,
): Promise<void> {
  if (!isSelected(sources, commissioning)) return;
  for (const { id, ident } of await commissioningNotifications(client)) {
    if (!before.includes(id) && (offered || ident === unselected)) await deleted(client, id);
  }
}

/** Forgets what `notificationsBefore` noted. */
export async function forgetNotifications(ledger: BeforeLedger): Promise<void> {
  const { [noted]: _, ...rest } = await ledger.recall({});
  await ledger.keep(rest);
}

async function commissioningNotifications(reader: MaasReader) {
  return (await listNotifications(reader)).filter(({ ident }) => [unselected, unavailable].includes(ident));
}

async function deleted(client: MaasClient, id: number): Promise<void> {
  try {
    await deleteNotification(client, id);
  } catch (error) {
    // Somebody else was first.
    if (!(error instanceof MaasRefusal) || error.status !== 404) throw error;
  }
}
