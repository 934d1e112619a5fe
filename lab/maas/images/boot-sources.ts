import type { Maas } from "../maas.ts";

/** A source of images. */
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
  /** These four are used since 3.8. */
  name: string;
  priority: number;
  enabled: boolean;
  skipKeyringVerification: boolean;
}

/** The images of a boot source that MAAS imports. */
export interface Selection {
  readonly id: number;
  readonly bootSourceId: number;
  os: string;
  release: string;
  arches: string[];
  subarches: string[];
  labels: string[];
}

/** All boot sources, oldest first. */
export function bootSources(maas: Maas): BootSource[] {
  return maas.store.table<BootSource>("bootSources");
}

/** All selections of all boot sources. */
export function selections(maas: Maas): Selection[] {
  return maas.store.table<Selection>("selections");
}

/** Removes rows from a table. */
export function removeRows<Row>(rows: Row[], which: (row: Row) => boolean): void {
  const kept = rows.filter((row) => !which(row));
  rows.splice(0, rows.length, ...kept);
}
