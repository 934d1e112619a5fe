# Publishes a tree: clients use one symbolic link, which is switched when the new tree is complete.
# Part of a job's script; it uses, in addition to fetch.sh,
#   OWNER     the mirror's name in messages
#   ROOT      directory of the mirror: trees/NUMBER-DIGEST/, current -> trees/..., and further directories of a kind of tree
#   PLAN      SHA-256 of the publication, a part of its tree's name; PLAN_TEXT of the plan's text, which is in the store
#   SUMMARY   SHA-256 of the summary's text, CONTENTS of the preview's findings; both are in the store
#   KEEP      number of trees to keep, including the published one
# Each kind of tree defines DESTINATIONS (see guard.sh) and these functions:
#   make_tree            makes $WORK/tree/public from files in the store; until the tree is published, a trap on EXIT, which
#                        it sets, undoes its other changes
#   complete_tree DIR    adds files of earlier trees to the new tree's public files, in DIR
#   list_tree TREE       prints the files of trees/TREE: sha256 TAB path below ROOT
#   prune_beside         removes files beside the trees that no kept snapshot uses
#   restore_tree DIR     serves the kept snapshot PINNED, complete in DIR, again
#
# Hooks: make_tree complete_tree list_tree prune_beside restore_tree DESTINATIONS
# Programs: LINK_FROM_STORE (link-from-store.perl), WRITE_LISTING (write-listing.perl), FAULTS_OF (faults-of.perl),
#   PUT_LINK (put-link.perl), LINK_TREE (link-tree.perl), UNPROVEN_FILES (unproven-files.perl)
# Defines: take_lock not_of_mirrors names_in finish prune_store sums_of in_store keep_in_store next_number
#   link_from_store publish_tree switch_to prune faults_of mendable link_tree mend kept_before discard_damaged
#   discard_unproven
# Private: copy_from_store write_listing put_link
# Needs functions: refuse_links fault tree_names is_digest listed (guard.sh), list_tree complete_tree
#   prune_beside (a kind of tree)
# Needs variables: ROOT STORE OWNER WORK LIST PLAN PLAN_TEXT SUMMARY CONTENTS KEEP PINNED (scripts.ts),
#   IN_TREE (guard.sh)

# Updates of one mirror run one after the other. The store is shared: a job with files in it that have no other links yet
# holds a shared lock; pruning needs an exclusive one.
take_lock() {
  refuse_links "$ROOT/.lock" "$ROOT/.owner" "$ROOT/.unfinished" "$STORE" "$STORE/.lock" -maxdepth 0
  mkdir -p "$ROOT" "$STORE"
  [ "$(stat -c %d "$ROOT")" = "$(stat -c %d "$STORE")" ] ||
    fault "$STORE: is on another file system than $ROOT, but a mirror's files are hard links into its store: mount one file system for both"
  exec 9>"$ROOT/.lock" 8>"$STORE/.lock"
  # First, so that the uploaded files of this update are not pruned while it waits.
  flock -s 8
  flock -n 9 || { echo "progress waiting for another update of this mirror to end"; flock -w 7200 9 || { echo "fault lock: another update of this mirror did not end within two hours"; exit 65; }; }
  owner=$(cat "$ROOT/.owner" 2>/dev/null || true)
  if [ "${owner:-$OWNER}" != "$OWNER" ]; then
    echo "fault $ROOT: belongs to the mirror $owner, but this is $OWNER: give one of them another directory, or the renamed one an alias"
    exit 65
  fi
  others=$(not_of_mirrors)
  if [ -n "$others" ]; then
    echo "fault $ROOT: contains files that do not belong to a mirror ($others), which an update would remove: set directory to one that is empty or does not exist"
    exit 65
  fi
  echo "$OWNER" >"$ROOT/.owner"
  mkdir -p "$WORK"
}

# Prints names of other files in a directory without an owner. Ignored are the directory of the file system itself, files
# that are created before the lock, and trees of a mirror whose .owner is lost, e.g. because it was copied without hidden files.
not_of_mirrors() {
  [ ! -e "$ROOT/.owner" ] || return 0
  known='lost\+found|\.lock'
  if [ -z "$(names_in "$ROOT/work")" ]; then known="$known|work"; fi
  if ! names_in "$ROOT/store" | grep -qEvx '\.lock|[0-9a-f]{2}'; then known="$known|store"; fi
  if ! names_in "$ROOT/reprepro" | grep -qvx conf && ! head -qn 1 "$ROOT/reprepro/conf/"* 2>/dev/null | grep -qv airgapped-maas; then
    known="$known|reprepro"
  fi
  if [ -e "$ROOT/current/summary.json" ]; then known="$known|pool(-[0-9]+)?|trees|current"; fi
  names_in "$ROOT" | grep -Evx "$known" | head -n 5 | paste -sd ' ' -
}

names_in() { find "$1/" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | LC_ALL=C sort; }

# Removes the temporary files of this update. If they exist, an update was interrupted after the switch.
finish() {
  rm -rf "$WORK"
  rm -f "$ROOT/.unfinished"
}

# prune_store MINUTES: removes files without other links that are older than MINUTES. Files that are uploaded before a job
# starts have no other links yet either.
prune_store() {
  flock -n -x 8 || return 0
  find "$STORE" -mindepth 2 -type f -links 1 -mmin "+$1" -delete
  # An upload creates its directory before the files, without a lock.
  find "$STORE" -mindepth 1 -type d -empty -mmin "+$1" -delete
}

# sums_of OPTION...: prints sha256sum's output for the files whose names come on standard input, each followed by a NUL.
# Each process writes a separate file: in a common one, their lines would mix.
sums_of() {
  hashed=0
  rm -f "$WORK"/sums-part.*
  # shellcheck disable=SC2016 # for the shell that xargs starts
  xargs -0 -r -n 64 -P "$(nproc)" sh -c 'part=$1; shift; exec sha256sum "$@" >>"$part.$$"' sh "$WORK/sums-part" "$@" || hashed=$?
  for part in "$WORK"/sums-part.*; do
    [ ! -e "$part" ] || cat "$part"
  done
  rm -f "$WORK"/sums-part.*
  return "$hashed"
}

in_store() { printf '%s/%s/%s' "$STORE" "$(printf %.2s "$1")" "$1"; }

# keep_in_store FILE: puts a copy of it into the store and prints its digest.
keep_in_store() {
  digest=$(sha256sum <"$1" | cut -d' ' -f1)
  refuse_links "$STORE/$(printf %.2s "$digest")" -maxdepth 0
  mkdir -p "$STORE/$(printf %.2s "$digest")"
  cp "$1" "$(in_store "$digest").new" && mv -f "$(in_store "$digest").new" "$(in_store "$digest")"
  echo "$digest"
}

# copy_from_store DIGEST FILE: an uploaded file is checked before it is used.
copy_from_store() {
  cp "$(in_store "$1")" "$2"
  [ "$(sha256sum <"$2" | cut -d' ' -f1)" = "$1" ] || fault "$(in_store "$1"): differs from the uploaded file: run the update again"
}

# The number after that of the newest tree, so that names sort by age independent of the clock.
next_number() {
  last=$(tree_names | tail -n 1 | cut -d- -f1)
  printf '%06d' "$(($(echo "${last:-0}" | sed 's/^0*//;s/^$/0/') + 1))"
}

# link_from_store PREFIX BASE [MADE [LIST]]: creates BASE/x, which is below ROOT, for every destination PREFIX/x of the work
# list, or of another LIST, as a hard link. The file MADE gets the new paths below ROOT, each followed by a NUL.
link_from_store() {
  perl -e "$IN_TREE$LINK_FROM_STORE" "$ROOT" "$STORE" "${4:-$LIST}" "$1" "$2" "$WORK" "${3:-}"
}

# write_listing DIR AS: writes the files of the tree in DIR, which will have the name AS, to detect later changes: sha256
# TAB size TAB mtime TAB path below ROOT. Every file of the work list must be in it, with its digest and its size.
write_listing() {
  list_tree "$(basename "$1")" >"$WORK/files"
  perl -e "$IN_TREE$WRITE_LISTING" "$ROOT" "$STORE" "$WORK/files" "${LIST:-}" "$(basename "$1")" "$2" >"$1/listing"
}

# Publishes $WORK/tree/public under a new name.
publish_tree() {
  tree="$(next_number)-$(printf %.12s "$PLAN")"
  complete_tree "$WORK/tree/public"
  copy_from_store "$PLAN_TEXT" "$WORK/tree/plan"
  copy_from_store "$SUMMARY" "$WORK/tree/summary.json"
  copy_from_store "$CONTENTS" "$WORK/tree/contents.json"
  chmod -R u=rwX,go=rX "$WORK/tree"
  mkdir -p "$ROOT/trees"
  rm -rf "$ROOT/trees/unfinished" && mkdir "$ROOT/trees/unfinished"
  mv "$WORK"/tree/* "$ROOT/trees/unfinished/"
  write_listing "$ROOT/trees/unfinished" "$tree"
  sync -f "$ROOT"
  trap - EXIT
  mv -T "$ROOT/trees/unfinished" "$ROOT/trees/$tree"
  switch_to "$tree"
}

switch_to() {
  : >"$ROOT/.unfinished"
  ln -sfn "trees/$1" "$ROOT/current.new"
  mv -T "$ROOT/current.new" "$ROOT/current"
  echo "published $1"
  sync -f "$ROOT"
}

# Removes the trees beyond KEEP (never the published one, nor the one in PINNED) and the files that no kept snapshot uses.
prune() {
  published=$(basename "$(readlink "$ROOT/current")")
  tree_names | sort -r | { count=0; while read -r tree; do
    count=$((count + 1)); [ "$count" -le "$KEEP" ] || [ "$tree" = "$published" ] || [ "$tree" = "${PINNED:-}" ] || rm -rf "$ROOT/trees/$tree"
  done; }
  prune_beside
  prune_store 60
}

# faults_of TREE: its missing and wrong files, as "sha256 TAB reason TAB path"; a different time stamp alone is not a fault.
# If its listing itself is wrong, the digest is "-".
faults_of() {
  perl -e "$IN_TREE$FAULTS_OF" "$ROOT" "$1"
}

# mendable SHA PATH: whether the store has that file complete, and the served tree has no other file at its path.
mendable() {
  is_digest "$1" && [ -f "$(in_store "$1")" ] && [ "$(sha256sum <"$(in_store "$1")" | cut -d' ' -f1)" = "$1" ] || return 1
  ! listed "$ROOT/current" | awk -F'\t' -v sha="$1" -v path="$2" '$4 == path && $1 != sha { other = 1 } END { exit !other }'
}

# put_link FILE PATH: creates a hard link to it at a path below ROOT, and replaces an existing file.
put_link() {
  perl -e "$IN_TREE$PUT_LINK" "$1" "$ROOT" "$2" "$WORK"
}

# link_tree FROM TO: creates TO, with its directories and hard links to the files of FROM.
link_tree() {
  (cd "$1" && find . -mindepth 1 -printf '%y%P\0') | perl -e "$IN_TREE$LINK_TREE" "$1" "$2" "$WORK"
}

# Restores missing files of a kept snapshot from the store.
mend() {
  faults_of "$1" | while IFS="$(printf '\t')" read -r sha _ path; do
    mendable "$sha" "$path" || continue
    put_link "$(in_store "$sha")" "$path"
  done
}

# The published snapshot, which may not be the newest, and those that the next pruning keeps.
kept_before() {
  [ "$KEEP" -gt 1 ] || return 0
  {
    readlink -e "$ROOT/current" || true
    root=$(readlink -e "$ROOT")
    tree_names | sort -r | head -n "$((KEEP - 1))" | while read -r tree; do echo "$root/trees/$tree"; done
  } | awk '!seen[$0]++'
}

# A damaged file of a tree is the same file in the store: it is removed there, to be fetched again.
discard_damaged() {
  [ -e "$ROOT/current" ] || return 0
  faults_of "$ROOT/current" | while IFS="$(printf '\t')" read -r sha _ path; do
    is_digest "$sha" || continue
    stored=$(in_store "$sha")
    [ -e "$stored" ] && [ "$(sha256sum <"$stored" | cut -d' ' -f1)" != "$sha" ] && rm -f "$stored"
    case "$path" in pool*) rm -f "$ROOT/$path" ;; esac
  done
}

# A file in the store that the published snapshot does not list may be damaged by a crash of the host: it is read once.
discard_unproven() {
  [ ! -e "$ROOT/current" ] || listed "$ROOT/current" >"$WORK/vouched"
  perl -e "$UNPROVEN_FILES" "$STORE" "$LIST" "$WORK/vouched" |
    (cd "$STORE" && sums_of --) |
    perl -ne 'print "$2\0" if /^([0-9a-f]{64}) [ *](..\/([0-9a-f]{64}))$/ && $1 ne $3' |
    (cd "$STORE" && xargs -0 -r rm -f --)
}
