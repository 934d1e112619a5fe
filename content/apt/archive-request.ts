import type { Fetch } from "../fetch.ts";
import type { MetadataCache } from "../metadata-cache.ts";
import type { TrustedKeys } from "../openpgp/keyring.ts";
import type { Extras } from "./indices.ts";
import type { Accepted } from "./release.ts";

/** Which parts of an archive to read, and how. */
export interface ArchiveRequest {
  readonly fetch: Fetch;
  /** An argument of `trustedKeys`, or its result. @default the Ubuntu archive's key */
  readonly key?: string | Uint8Array | TrustedKeys | undefined;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly extras?: Extras;
  readonly cache: MetadataCache;
  readonly now: Date;
  /** Checks that may fail, each with the reason. */
  readonly accept?: Accepted | undefined;
  /** Per suite, the date of the Release that was accepted last (ISO 8601). */
  readonly seen?: Readonly<Record<string, { readonly date: string }>>;
  /**
   * Which of the given paths exist upstream. A Release also lists files that are on no server (mostly uncompressed
   * forms). Without this function, compressed forms are assumed to exist and uncompressed ones not to.
   */
  readonly exists?: (paths: readonly string[]) => Promise<readonly boolean[]>;
  /** Whether to keep the dependencies of packages. @default true */
  readonly withRelations?: boolean | undefined;
  /** Maximum bytes of all indices together, uncompressed. @default 1 GiB */
  readonly indexLimit?: number | undefined;
}
