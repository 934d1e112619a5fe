import type { Maas } from "../maas.ts";

/** Where images come from. */
export interface BootSource {
  readonly id: number;
  url: string;
  /** A file on the region's host, or "". */
  keyringFilename: string;
  /** The keyring itself, as base64, or "". */
  keyringData: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  updated: number;
  /** These four count since 3.8. */
  name: string;
  priority: number;
  enabled: boolean;
  skipKeyringVerification: boolean;
}

/** What is wanted of a boot source. */
export interface Selection {
  readonly id: number;
  readonly bootSourceId: number;
  os: string;
  release: string;
  arches: string[];
  subarches: string[];
  labels: string[];
}

/** All boot sources, in the order they were made in. */
export function bootSources(maas: Maas): BootSource[] {
  return maas.store.table<BootSource>("bootSources");
}

/** All selections of all boot sources. */
export function selections(maas: Maas): Selection[] {
  return maas.store.table<Selection>("selections");
}

/** Takes rows out of a table. */
export function removeRows<Row>(rows: Row[], which: (row: Row) => boolean): void {
  const kept = rows.filter((row) => !which(row));
  rows.splice(0, rows.length, ...kept);
}
