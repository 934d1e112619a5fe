# The job's checks of its input, independent of its origin: the work list, its settings, the listings of kept snapshots, and
# symbolic links in the mirror's directories, which are never followed. First part of every job's script; it uses
#   ROOT STORE WORK    see tree.sh and fetch.sh; WORK is below ROOT
# and, if a job has a work list, LIST and
#   DESTINATIONS       the first parts that its destinations may have, separated by blanks
#
# Programs: IN_TREE (in-tree.perl), LISTED (listed.perl), CHECK_LIST (check-list.perl), CHECK_SETTINGS (check-settings.perl),
#   REFUSE_LINKS (refuse-links.perl)
# Defines: step fault listed check_list check_settings is_digest tree_names refuse_links refuse_planted_links
# Private: is_tree
# Needs variables: ROOT LIST PLAN PLAN_TEXT SUMMARY CONTENTS KEEP PARALLEL STALL PATIENCE PINNED STORE
#   WORK (scripts.ts), DESTINATIONS (a kind of tree), SLOWEST PROXY (upstream-access.ts), VALID
#   SUITES (../apt/scripts.ts)

# step ID WHAT: reports what the job does from now on: a keyword for job.ts, and a gerund phrase for messages.
step() { echo "step $1 $2"; }

# Faults are printed on standard error, as standard output may be a file at that moment. Both go to the job's log.
fault() {
  printf 'fault %s\n' "$1" >&2
  exit 65
}

# listed TREE: the valid lines of its listing.
listed() { perl -e "$IN_TREE$LISTED" "$ROOT" "$1"; }

# The whole list is checked before anything is done.
check_list() {
  perl -e "$IN_TREE$CHECK_LIST" "$LIST" "$DESTINATIONS"
}

# Digests and numbers also come from other sources. Values that a job does not need may be empty.
check_settings() {
  for digest in "${PLAN:-}" "${PLAN_TEXT:-}" "${SUMMARY:-}" "${CONTENTS:-}"; do
    is_digest "$digest" || [ -z "$digest" ] || fault "the job's settings: $digest is not a valid SHA-256"
  done
  for number in "${KEEP-1}" "${PARALLEL-1}" "${STALL-1}" "${SLOWEST-1}" "${VALID-0}"; do
    case "$number" in '' | *[!0-9]*) fault "the job's settings: $number is not a number" ;; esac
  done
  case "${PATIENCE:-}" in *[!0-9.\ ]*) fault "the job's settings: $PATIENCE are not numbers" ;; esac
  # It becomes a line of a configuration of curl.
  case "${PROXY:-}" in *[!-A-Za-z0-9._~:/@%[\]]*) fault "the job's settings: the proxy's address has invalid characters" ;; esac
  [ -z "${PINNED:-}" ] || is_tree "$PINNED" || fault "$PINNED: is not a name of a kept snapshot: set pinnedTo to one"
  perl -e "$IN_TREE$CHECK_SETTINGS" "$ROOT" "$STORE" "$WORK" "${SUITES:-}"
}

is_digest() {
  case "$1" in *[!0-9a-f]*) return 1 ;; esac
  [ "${#1}" -eq 64 ]
}

# NUMBER-DIGEST, the form of trees' names.
is_tree() { printf '%s\n' "$1" | grep -qEx '[0-9]{6,}-[0-9a-f]{12}'; }

# The names of the kept snapshots, oldest first.
tree_names() { find "$ROOT/trees" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2>/dev/null | grep -Ex '[0-9]{6,}-[0-9a-f]{12}' | LC_ALL=C sort; }

# refuse_links PATH... [-maxdepth N]: refuses symbolic links at and below each that were not created by a mirror. A mirror
# creates `current`, and `pool` in its trees and for reprepro, which stay in ROOT.
refuse_links() {
  find "$@" -type l -printf '%p\0%l\0' 2>/dev/null | perl -e "$IN_TREE$REFUSE_LINKS" "$ROOT"
}

# Checks all directories of this mirror, before a file in them is opened.
refuse_planted_links() {
  refuse_links "$ROOT/.lock" "$ROOT/.owner" "$ROOT/.unfinished" "$ROOT/current" "$ROOT/current.new" \
    "$ROOT"/pool* "$ROOT/trees" "$ROOT/work" "$ROOT/reprepro" "$STORE"
}
