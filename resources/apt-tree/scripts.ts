import { sh } from "../../hosts/shell.ts";
import {
  type KindOfTree,
  type Place,
  publishJob,
  restoreJob,
  scriptPart,
  type TreeSettings,
} from "../published-tree/scripts.ts";

const part = (name: string) => scriptPart(import.meta.dirname, name);

export interface AptTreeSettings extends TreeSettings {
  readonly mode: "resigned" | "verbatim";
  /** Digest of the armored keys upstream signs with, which are in the store. */
  readonly upstreamKey: string;
  readonly signing?:
    | {
        readonly directory: string;
        readonly fingerprint: string;
        readonly suites: readonly string[];
        readonly validSeconds: number;
      }
    | undefined;
}

/** The job that publishes a tree; its input is the work list. */
export function publishScript(settings: AptTreeSettings): string {
  const { signing, upstreamKey } = settings;
  return publishJob(settings, [signing ? sh`UPSTREAM_KEY=${upstreamKey}` : "", ...aptKind(settings)]);
}

/** The job that serves a kept tree again, and signs it anew where the mirror signs. */
export function restoreScript(
  settings: Place & Pick<AptTreeSettings, "mode" | "keep" | "summary" | "signing">,
  tree: string,
): string {
  return restoreJob(settings, tree, aptKind(settings));
}

function aptKind({ mode, signing }: Pick<AptTreeSettings, "mode" | "signing">): KindOfTree {
  return [sh`MODE=${mode}`, signingSettings(signing), part("pool.sh"), part("resign.sh")];
}

function signingSettings(signing: AptTreeSettings["signing"]): string {
  if (!signing) return "";
  return sh`GNUPG=${signing.directory} KEY=${signing.fingerprint} SUITES=${signing.suites.join(" ")} VALID=${signing.validSeconds}`;
}
