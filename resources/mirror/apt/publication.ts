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
 * The work list of a verbatim tree has `tree/...` and `pool/...`, that of a re-signed one `tree/...` and what `resignedWork`
 * names.
 */
export interface AptPublication extends Publication {
  /** Suites to be written and signed (re-signed trees), in order. */
  readonly resign: readonly string[];
  /** Whether phased updates are offered to every machine (re-signed trees). */
  readonly completePhases: boolean;
}
