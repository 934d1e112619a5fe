import { sh } from "../../../hosts/shell.ts";
import { scriptPart } from "../published-tree/script-part.ts";
import {
  type Place,
  publishJob,
  restoreJob,
  type TreeKind,
  type TreeSettings,
} from "../published-tree/scripts.ts";

const part = (name: string) => scriptPart(import.meta.dirname, name);

export interface AptTreeSettings extends TreeSettings {
  readonly signing: "mirror" | "upstream";
  readonly signingKey?:
    | {
        readonly directory: string;
        readonly fingerprint: string;
        readonly suites: readonly string[];
        readonly validSeconds: number;
        /** Whether phased updates are offered to every machine. */
        readonly completePhases: boolean;
      }
    | undefined;
}

/** The job that publishes a tree; its input is the work list. */
export function publishScript(settings: AptTreeSettings): string {
  return publishJob(settings, aptKind(settings));
}

/** The job that serves a kept snapshot again. It signs the snapshot again if the mirror has its own signature. */
export function restoreScript(
  settings: Place & Pick<AptTreeSettings, "signing" | "keep" | "plan" | "summary" | "signingKey">,
  tree: string,
): string {
  return restoreJob(settings, tree, aptKind(settings));
}

function aptKind({ signing, signingKey }: Pick<AptTreeSettings, "signing" | "signingKey">): TreeKind {
  const parts = signingKey ? [keySettings(signingKey), part("mirror-signing.sh"), part("release.sh")] : [];
  return [sh`SIGNING=${signing}`, part("pool.sh"), part("pools.sh"), ...parts];
}

function keySettings(signingKey: NonNullable<AptTreeSettings["signingKey"]>): string {
  const { directory, fingerprint, suites, validSeconds, completePhases } = signingKey;
  return sh`GNUPG=${directory} KEY=${fingerprint} SUITES=${suites.join(" ")} VALID=${validSeconds}
PHASES=${completePhases ? "complete" : ""}`;
}
