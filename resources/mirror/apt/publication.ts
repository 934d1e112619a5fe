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

/**
 * The work list of a tree that upstream signed has `tree/...` and `pool/...`, that of one that the mirror signs `tree/...` and
 * what `mirrorSignedWork` names.
 */
export interface AptPublication extends Publication {
  /** Suites to be written and signed by the mirror, in order; none where upstream signed. */
  readonly signed: readonly string[];
  /** Whether phased updates are offered to every machine; only where the mirror signs. */
  readonly completePhases: boolean;
}
