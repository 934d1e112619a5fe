/**
 * Where a host stores what is needed for restoring: the original state before this project changed it, and which
 * resource declares what. It is stored on the host, and written before the change, because it must survive a killed
 * update, a lost workstation and a lost state.
 */
export interface LedgerPlace {
  /** Only root can read it. It is removed with its last entry. */
  readonly directory: string;
  /** Not in /run/lock, where all users may create files. */
  readonly lock: string;
}

export const ledgerPlace: LedgerPlace = {
  directory: "/var/lib/airgapped-maas",
  lock: "/run/airgapped-maas.ledger.lock",
};
