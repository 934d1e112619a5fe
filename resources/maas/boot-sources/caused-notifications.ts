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

/** Whether any of these sources selects the commissioning release. */
export function isSelected(sources: readonly Selecting[], { os, release }: Commissioning): boolean {
  return sources.some(({ selections }) =>
    selections.some((selection) => selection.os === os && selection.release === release),
  );
}

/*
 * Up to 3.8 MAAS checks after each reading of its sources whether the commissioning release is selected and offered,
 * and notifies all users if it is not. It never removes these notifications (maasserver/bootsources.py).
 */
const unselected = "commissioning_series_unselected";
const unavailable = "commissioning_series_unavailable";

/** The ledger's name for the numbers of notifications from before a change that has not ended yet. */
const noted = "notifications";

/**
 * The notifications from before the change. They are stored on the region host: if this update is killed, the next one
 * completes it, and must be able to tell which notifications this one caused.
 *
 * @param changes Whether sources will be changed.
 * @returns Undefined if nothing was changed since, and nothing will be.
 */
export async function notificationsBefore(
  reader: MaasReader,
  ledger: BeforeLedger,
  changes: boolean,
): Promise<readonly number[] | undefined> {
  const kept = await ledger.recall({});
  const known = kept[noted] as readonly number[] | undefined;
  if (known || !changes) return known;
  const ids = (await commissioningNotifications(reader)).map(({ id }) => id);
  await ledger.keep({ ...kept, [noted]: ids });
  return ids;
}

/**
 * Deletes the notifications that our changes caused and that are no longer true. Earlier ones stay.
 *
 * @param sources The current selections.
 * @param offered Whether a source is known to offer its selections.
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

/** Removes the data of `notificationsBefore`. */
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
    // It was already deleted by another client.
    if (!(error instanceof MaasRefusal) || error.status !== 404) throw error;
  }
}
