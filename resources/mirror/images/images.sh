# Trees of images: each has every file of its index, as hard links into the store.
# Part of a job's script.
#
# Programs: CARRY_FILES (carry-files.perl), DROP_CARRIED (drop-carried.perl)
# Defines: make_tree complete_tree list_tree prune_beside restore_tree
# Private: drop_carried
# Needs functions: link_from_store kept_before faults_of mend switch_to (../published-tree/tree.sh),
#   tree_names (../published-tree/guard.sh)
# Needs variables: WORK ROOT LIST PINNED (../published-tree/scripts.ts), IN_TREE (../published-tree/guard.sh)

DESTINATIONS=tree

make_tree() { link_from_store tree "$WORK/tree/public"; }

# MAAS reads the index once and then fetches for up to an hour. So the files of earlier trees stay at their paths as long as
# these trees are kept, except their indices, the files that they carried themselves, and damaged files.
complete_tree() {
  : >"$WORK/tree/carried"
  kept_before | while read -r older; do
    faults_of "$older" | cut -f3 >"$WORK/damaged"
    perl -e "$IN_TREE$CARRY_FILES" "$ROOT" "$older" "$(basename "$older")" "$1" "$WORK/damaged" "$WORK"
  done >>"$WORK/tree/carried"
}

# Files in the store were checked when they were added, so nothing is read again.
list_tree() {
  { awk -F'\t' '$4 ~ /^tree\// { print $1 "\t" substr($4, 6) }' "$LIST"; cat "$ROOT/trees/$1/carried"; } |
    sed 's#\t#\ttrees/'"$1"'/public/#'
}

# In trees that are no longer published, carried files are not needed any more. A file that was found damaged in a later
# tree, and fetched again, is damaged in them too, because it is the same file.
prune_beside() {
  published=$(readlink -e "$ROOT/current")
  tree_names | while read -r older; do
    older=$ROOT/trees/$older
    [ "$(readlink -e "$older")" != "$published" ] || continue
    drop_carried "$older"
    mend "$older"
  done
}

drop_carried() {
  [ -s "$1/carried" ] || return 0
  perl -e "$IN_TREE$DROP_CARRIED" "$ROOT" "$1" "$(basename "$1")"
  find "$1/public" -mindepth 1 -type d -empty -delete
  : >"$1/carried"
}

# A snapshot with upstream's signature is served unchanged.
restore_tree() { switch_to "$PINNED"; }
