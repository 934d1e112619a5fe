/**
 * Where a host keeps what must be remembered until it is put back: what was there before this project
 * changed it, and which resource declares what. It is kept on the host, and written before the change,
 * because it must outlive a killed update, a lost workstation and a lost state.
 */
export interface LedgerPlace {
  /** Only root can look in. It goes away with the last thing it remembers. */
  readonly directory: string;
  /** Not in /run/lock, where anybody may make files. */
  readonly lock: string;
}

export const ledgerPlace: LedgerPlace = {
  directory: "/var/lib/airgapped-maas",
  lock: "/run/airgapped-maas.ledger.lock",
};
