import type { Publication } from "../published-tree/publication.ts";

export interface SuiteSummary {
  /** When upstream signed it, ISO 8601. */
  readonly date: string;
  /** SHA-256 of the text that upstream signed. */
  readonly release: string;
  readonly packages: number;
  /** Bytes of its packages. */
  readonly bytes: number;
}

/** Beside `tree/...` and `pool/...`, the work list of a re-signed tree has `view/...` (what reprepro reads), `selection/...` and `headers/...`. */
export interface AptPublication extends Publication {
  /** Suites to be written and signed (re-signed trees), in order. */
  readonly resign: readonly string[];
  /** Digest of the armored keys upstream signs with (re-signed trees). */
  readonly upstreamKey: string;
}
