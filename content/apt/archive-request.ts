import type { Fetch } from "../fetch.ts";
import type { MetadataCache } from "../metadata-cache.ts";
import type { TrustedKeys } from "../openpgp/keyring.ts";
import type { Extras } from "./indices.ts";
import type { Accepted } from "./release.ts";

/** What is to be read of an archive, and by what means. */
export interface ArchiveRequest {
  readonly fetch: Fetch;
  /** As `trustedKeys` takes it, or its result. @default the Ubuntu archive's key */
  readonly key?: string | Uint8Array | TrustedKeys | undefined;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly extras?: Extras;
  readonly cache: MetadataCache;
  readonly now: Date;
  /** What is taken all the same, and why. */
  readonly accept?: Accepted | undefined;
  /** Per suite, when what was accepted last was made (ISO 8601). */
  readonly seen?: Readonly<Record<string, { readonly date: string }>>;
  /**
   * Which of some paths upstream really has. A Release also lists files that are on no server (mostly
   * uncompressed forms); without this, compressed forms are taken to exist and uncompressed ones not to.
   */
  readonly exists?: (paths: readonly string[]) => Promise<readonly boolean[]>;
  /** Whether packages are to know what they need. @default true */
  readonly withRelations?: boolean | undefined;
  /** Bytes that all indices may come to unpacked. @default 1 GiB */
  readonly indexLimit?: number | undefined;
}
