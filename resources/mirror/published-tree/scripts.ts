import { sh } from "../../../hosts/shell.ts";
import { mirrorsDirectory } from "./mirrors-directory.ts";
import { retryDelays } from "./retry.ts";
import { scriptPart } from "./script-part.ts";
import { accessSettings, type FetchSettings } from "./upstream-access.ts";

const part = (name: string) => scriptPart(import.meta.dirname, name);

export interface Place {
  /** The mirror's name in messages. A directory belongs to one mirror. */
  readonly owner: string;
  /** The mirror's directory on the host. */
  readonly directory: string;
  /** The store that the host's mirrors share, on the same file system. */
  readonly store: string;
}

export interface TreeSettings extends Place {
  /** Base URL of upstream, without trailing slash. */
  readonly upstream: string;
  /** How to fetch from it; secrets are not in the script. */
  readonly fetch: FetchSettings;
  /** Trees to keep, the published one included. */
  readonly keep: number;
  /** Digest of the publication, which is a part of the tree's name. */
  readonly plan: string;
  /** Digests of texts in the store. */
  readonly planText: string;
  readonly summary: string;
  readonly contents: string;
}

/** The parts of one kind of tree: settings, and the functions that tree.sh calls. */
export type TreeKind = readonly string[];

/** The job that publishes a tree; its input is the work list. */
export function publishJob(settings: TreeSettings, kind: TreeKind): string {
  const { fetch } = settings;
  return [
    preamble(settings),
    sh`LIST="$JOB_INPUT" UPSTREAM=${`${settings.upstream}/`}
KEEP=${settings.keep} PLAN=${settings.plan} PLAN_TEXT=${settings.planText} SUMMARY=${settings.summary} CONTENTS=${settings.contents}
PARALLEL=${fetch.parallel} STALL=${fetch.stallSeconds} PATIENCE=${retryDelays(fetch.stallSeconds)
      .map((wait) => wait / 1000)
      .join(" ")}`,
    accessSettings(fetch),
    part("curl.sh"),
    part("fetch.sh"),
    part("tree.sh"),
    ...kind,
    part("publish.sh"),
  ].join("\n");
}

/** The job that serves a kept snapshot again; see restore.sh. */
export function restoreJob(
  settings: Place & Pick<TreeSettings, "keep" | "plan" | "summary">,
  tree: string,
  kind: TreeKind,
): string {
  return [
    preamble(settings),
    sh`PINNED=${tree} KEEP=${settings.keep} PLAN=${settings.plan} SUMMARY=${settings.summary}`,
    part("tree.sh"),
    ...kind,
    part("restore.sh"),
  ].join("\n");
}

/**
 * Prints "absent", or one line each for: the tree's name, its summary, the host's time, until when its signature is
 * valid (0: no end), whether the last update was completed, and the faults of its files: the first five, and their
 * number.
 */
export function observeScript({ directory }: Pick<Place, "directory">): string {
  return [
    sh`ROOT=${directory}`,
    part("guard.sh"),
    part("tree.sh"),
    `if [ ! -e "$ROOT/current/summary.json" ]; then echo absent; exit 0; fi
basename "$(readlink "$ROOT/current")"
cat "$ROOT/current/summary.json"
echo
date +%s
cat "$ROOT/current/signed-until" 2>/dev/null || echo 0
# A process that holds the lock is still working on it.
if [ -e "$ROOT/.unfinished" ] && flock -n -s "$ROOT/.lock" true; then echo unfinished; else echo finished; fi
faults_of "$ROOT/current" | cut -f2- | awk 'NR <= 5 { print } END { print NR }'`,
  ].join("\n");
}

/** Prints the files in a mirror's directory that do not belong to a mirror, or nothing; see take_lock in tree.sh. */
export function foreignNamesScript({ directory }: Pick<Place, "directory">): string {
  return [sh`ROOT=${directory}`, part("guard.sh"), part("tree.sh"), "not_of_mirrors"].join("\n");
}

/** Removes the mirror's content, and from the store the files that no other mirror links to. */
export function removeScript(place: Place): string {
  return [
    settingsOf(place),
    part("guard.sh"),
    part("tree.sh"),
    // If other files prevented the creation of the mirror, nothing there belongs to it.
    `[ -d "$ROOT" ] && [ -z "$(not_of_mirrors)" ] || exit 0`,
    sh`take_lock
(cd "$ROOT" && rm -rf pool pool-[0-9]* trees current current.new work reprepro .owner .unfinished)
# The store stays if it contains files of other mirrors.
if [ "$STORE" = "$ROOT/store" ]; then rm -rf "$STORE"; else
  prune_store 0
  find "$STORE" -mindepth 2 -type f | grep -q . || rm -rf -- "$STORE"
fi
rm -f "$ROOT/.lock"
d=$ROOT; while rmdir -- "$d" 2>/dev/null; do
  d=$(dirname -- "$d")
  case "$d" in ${mirrorsDirectory} | ${mirrorsDirectory}/*) ;; *) break ;; esac
done`,
  ].join("\n");
}

/** Removes what only updates need. The content stays, without an owner. */
export function disownScript(
  { directory, owner }: Pick<Place, "directory" | "owner">,
  also: readonly string[] = [],
): string {
  return sh`cd ${directory} 2>/dev/null && [ -e .owner ] || exit 0
case $(cat .owner) in ${owner} | "") ;; *) exit 0 ;; esac
rm -rf ${["work", ".lock", ".unfinished", ".owner", ...also]}
: >.owner`;
}

function settingsOf({ owner, directory, store }: Place): string {
  return sh`set -eu
umask 022
OWNER=${owner} ROOT=${directory} STORE=${store} WORK=${`${directory}/work`}`;
}

function preamble(place: Place): string {
  return [settingsOf(place), part("guard.sh")].join("\n");
}
