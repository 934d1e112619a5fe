import type { Publication } from "../published-tree/publication.ts";

export interface SuiteSummary {
  /** Date of upstream's signature, ISO 8601. */
  readonly date: string;
  /** SHA-256 of the signed text. */
  readonly release: string;
  readonly packages: number;
  /** Bytes of its packages. */
  readonly bytes: number;
}

/**
 * The work list of a tree with upstream's signature contains `tree/...` and `pool/...`; that of a tree signed by the
 * mirror contains `tree/...` and the items of `mirrorSignedWork`.
 */
export interface AptPublication extends Publication {
  /** Suites that the mirror writes and signs, in order; empty with upstream's signature. */
  readonly signed: readonly string[];
  /** Whether phased updates are offered to every machine; only for a mirror with its own signature. */
  readonly completePhases: boolean;
}
