import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sh } from "../../hosts/shell.ts";

const part = (name: string) => readFileSync(join(import.meta.dirname, name), "utf8");

export interface Place {
  /** The mirror, as it is called in messages; a directory belongs to one. */
  readonly owner: string;
  /** The mirror's directory on the host. */
  readonly directory: string;
  /** The store that all mirrors of the host share; on the same file system. */
  readonly store: string;
}

export interface PublishSettings extends Place {
  readonly mode: "resigned" | "verbatim";
  /** Base URL of upstream, without a slash at its end. */
  readonly upstream: string;
  /** Transfers at once. */
  readonly parallel: number;
  /** Seconds without a byte that end a transfer. */
  readonly stallSeconds: number;
  readonly keepSnapshots: number;
  /** Digests of texts in the store. */
  readonly planText: string;
  readonly summary: string;
  readonly contents: string;
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
export function publishScript(settings: PublishSettings): string {
  const { signing } = settings;
  return [
    preamble(settings),
    sh`LIST="$JOB_INPUT" MODE=${settings.mode} UPSTREAM=${`${settings.upstream}/`} PARALLEL=${settings.parallel}
KEEP=${settings.keepSnapshots} PLAN=${settings.planText} SUMMARY=${settings.summary} CONTENTS=${settings.contents}
STALL=${settings.stallSeconds}; export STALL`,
    signingSettings(signing),
    signing ? sh`UPSTREAM_KEY=${settings.upstreamKey}` : "",
    part("fetch.sh"),
    part("tree.sh"),
    part("resign.sh"),
    part("publish.sh"),
  ].join("\n");
}

/** The job that serves a kept tree again; see restore.sh. */
export function restoreScript(
  settings: Place & Pick<PublishSettings, "mode" | "keepSnapshots" | "summary" | "signing">,
  tree: string,
): string {
  return [
    preamble(settings),
    sh`PINNED=${tree} MODE=${settings.mode} KEEP=${settings.keepSnapshots} SUMMARY=${settings.summary}`,
    signingSettings(settings.signing),
    part("tree.sh"),
    part("resign.sh"),
    part("restore.sh"),
  ].join("\n");
}

/** Prints "absent", or three sections: the tree's name, its summary, and what is wrong with its files. */
export function observeScript({ directory }: Pick<Place, "directory">): string {
  return [
    sh`ROOT=${directory}`,
    part("tree.sh"),
    `if [ ! -e "$ROOT/current/summary.json" ]; then echo absent; exit 0; fi
basename "$(readlink "$ROOT/current")"
cat "$ROOT/current/summary.json"
echo
date +%s
cat "$ROOT/current/signed-until" 2>/dev/null || echo 0
faults_of "$ROOT/current" | cut -f2- | awk 'NR <= 5 { print } END { print NR }'`,
  ].join("\n");
}

function signingSettings(signing: PublishSettings["signing"]): string {
  if (!signing) return "";
  return sh`GNUPG=${signing.directory} KEY=${signing.fingerprint} SUITES=${signing.suites.join(" ")} VALID=${signing.validSeconds}`;
}

/** Takes the mirror's content away, and from the store what no other mirror links to. */
export function removeScript(place: Place): string {
  return [
    preamble(place),
    part("tree.sh"),
    sh`take_lock
rm -rf -- "$ROOT"
# The store of a mirror in a directory of its own went with it.
if [ -d "$STORE" ]; then
  prune_store 0
  find "$STORE" -mindepth 2 -type f | grep -q . || rm -rf -- "$STORE"
fi
d=$(dirname -- "$ROOT"); while [ "$d" != / ] && [ "$d" != /srv ] && rmdir -- "$d" 2>/dev/null; do d=$(dirname -- "$d"); done`,
  ].join("\n");
}

/** Takes away what only updates need; the content stays, and belongs to nobody. */
export function leaveScript({ directory }: Pick<Place, "directory">): string {
  return sh`cd ${directory} 2>/dev/null || exit 0
rm -rf work reprepro .lock .owner`;
}

function preamble({ owner, directory, store }: Place): string {
  // One private directory a mirror, on the store's file system; its lock makes updates of one mirror take turns.
  return sh`set -eu
umask 022
OWNER=${owner} ROOT=${directory} STORE=${store} WORK=${`${directory}/work`}
mkdir -p "$ROOT" "$STORE" "$WORK"`;
}
