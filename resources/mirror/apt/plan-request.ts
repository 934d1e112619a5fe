import type { PackageFilter } from "../../../content/apt/filter.ts";
import type { Extras } from "../../../content/apt/indices.ts";
import type { Accepted } from "../../../content/apt/release.ts";
import type { UpstreamAccess } from "../published-tree/upstream-access.ts";

/** What a mirror is declared to hold, and where it is. */
export interface AptPlanRequest {
  readonly host: string;
  /** The mirror's directory on the host. */
  readonly directory: string;
  /** The store of its host. */
  readonly store: string;
  readonly signing: "mirror" | "upstream";
  readonly upstream: UpstreamAccess & {
    readonly url: string;
    readonly key?: string | undefined;
    readonly stallSeconds: number;
    readonly indexLimitMiB: number;
    /** What is taken all the same, and why. */
    readonly accept?: Accepted | undefined;
  };
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly filter?: PackageFilter | undefined;
  /** Paths of .deb files on this workstation. */
  readonly localPackages: readonly string[];
  readonly extras: Extras;
  /** A kept snapshot to serve again instead of what upstream has now. */
  readonly pinnedTo?: string | undefined;
  /** Where the host may have the key that the mirror signs with (signing: mirror): in the first of these that has one. */
  readonly keyDirectories?: readonly string[] | undefined;
}
