import type { PackageFilter } from "../../../content/apt/filter.ts";
import type { Extras } from "../../../content/apt/indices.ts";
import type { Accepted } from "../../../content/apt/release.ts";
import type { UpstreamAccess } from "../published-tree/upstream-access.ts";

/** The declared content of a mirror, and its location. */
export interface AptPlanRequest {
  readonly host: string;
  /** The mirror's directory on the host. */
  readonly directory: string;
  /** The host's store. */
  readonly store: string;
  readonly signing: "mirror" | "upstream";
  readonly upstream: UpstreamAccess & {
    readonly url: string;
    readonly key?: string | undefined;
    readonly stallSeconds: number;
    readonly indexLimitMiB: number;
    /** Checks that may fail, each with the reason. */
    readonly accept?: Accepted | undefined;
  };
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly filter?: PackageFilter | undefined;
  /** Paths of .deb files on this workstation. */
  readonly localPackages: readonly string[];
  readonly extras: Extras;
  /** A kept snapshot to serve again instead of upstream's current state. */
  readonly pinnedTo?: string | undefined;
  /** The directory of the mirror's signing key on the host (signing: mirror). */
  readonly keyDirectory?: string | undefined;
}
