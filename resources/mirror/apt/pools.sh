# The pools of a mirror's trees. A tree's link public/pool points to its pool. Several trees share one as long as the later
# ones only add files. If a tree needs other content at a path that a kept snapshot lists, it gets a separate pool: files
# that a kept snapshot lists are never replaced or removed. Part of a job's script.
#
# Programs: POOL_CONFLICTS (pool-conflicts.perl), CARRY_PACKAGES (carry-packages.perl)
# Defines: pool_of fill_pool take_back carry_packages prune_beside
# Private: remove_from next_pool pool_conflicts kept_packages
# Needs functions: link_from_store next_number (../published-tree/tree.sh), tree_names
#   listed (../published-tree/guard.sh)
# Needs variables: ROOT WORK STORE (../published-tree/scripts.ts), IN_TREE (../published-tree/guard.sh)

# pool_of TREE: the directory below ROOT that is the pool of the tree in TREE.
pool_of() { basename "$(readlink "$1/public/pool" 2>/dev/null || echo pool)"; }

# fill_pool LIST: adds the files of LIST (a work list, with destinations pool/...) to the pool of the new tree, and sets POOL
# to the pool's name.
fill_pool() {
  POOL=$(pool_of "$ROOT/current")
  mkdir -p "$ROOT/$POOL"
  harm=0
  pool_conflicts "$1" "$POOL" || harm=$?
  case "$harm" in
    0) ;;
    3)
      POOL=$(next_pool)
      echo "progress kept snapshots have other packages under the same names: the new snapshot gets a separate pool"
      mkdir "$ROOT/$POOL"
      ;;
    *) exit "$harm" ;;
  esac
  link_from_store pool "$ROOT/$POOL" "$WORK/brought" "$1"
  carry_packages "$POOL"
}

# Removes the files that fill_pool added if no tree was made.
take_back() { [ ! -s "$WORK/brought" ] || remove_from "$ROOT" "$WORK/brought" || true; }

# remove_from DIR LIST: removes the files below DIR whose paths are in the file LIST, each followed by a NUL, and their
# directories if they are empty. Only these: a search through a large pool takes seconds.
remove_from() {
  (
    # Inside a condition `set -e` would have no effect. Links with such a name elsewhere do not belong to the mirror.
    cd "$1" || exit
    xargs -0 -r rm -f -- <"$2"
    sed -zn 's#/[^/]*$##p' "$2" | LC_ALL=C sort -zu | xargs -0 -r rmdir -p --ignore-fail-on-non-empty -- 2>/dev/null || true
  )
}

# A pool name that no tree uses. Leftovers of a failed update under that name are removed.
next_pool() {
  number=$(next_number)
  while grep -q "$(printf '\t')pool-$number/" "$ROOT"/trees/[0-9]*/listing 2>/dev/null; do number=$(printf '%06d' "$(($(echo "$number" | sed 's/^0*//') + 1))"); done
  rm -rf "$ROOT/pool-$number"
  echo "pool-$number"
}

# pool_conflicts LIST POOL: its status is 3 if a file of LIST conflicts with a file that a kept snapshot lists in POOL.
# Otherwise it removes conflicting files that no tree lists, which failed updates have left.
pool_conflicts() {
  kept_packages "$2" >"$WORK/kept-packages"
  perl -e "$IN_TREE$POOL_CONFLICTS" "$STORE" "$ROOT" "$1" "$2" "$WORK/kept-packages"
}

# kept_packages [POOL]: the lines of the kept snapshots' listings for one pool, or for all.
kept_packages() { tree_names | while read -r tree; do listed "$ROOT/trees/$tree"; done | awk -F'\t' -v pool="${1:-}" '$4 ~ /^pool/ && (pool == "" || index($4, pool "/") == 1)'; }

# carry_packages POOL: links files that the kept snapshots list in other pools into this one, where they are missing:
# clients in the middle of an update request packages of the tree with which they began.
carry_packages() {
  [ "$(find "$ROOT" -mindepth 1 -maxdepth 1 -type d -name 'pool*' | wc -l)" -gt 1 ] || return 0
  kept_packages | perl -e "$IN_TREE$CARRY_PACKAGES" "$ROOT" "$1" "$WORK"
}

# Removes the pools that no kept snapshot uses, and from the others the files that no kept snapshot lists.
prune_beside() {
  kept_packages | cut -f4 | sed 's#^[^/]*/##' | LC_ALL=C sort -u >"$WORK/wanted"
  tree_names | while read -r tree; do pool_of "$ROOT/trees/$tree"; done | sort -u >"$WORK/pools"
  find "$ROOT" -mindepth 1 -maxdepth 1 -type d -name 'pool*' -printf '%f\n' | grep -Ex 'pool(-[0-9]+)?' | while read -r pool; do
    if ! grep -qxF "$pool" "$WORK/pools"; then rm -rf "${ROOT:?}/$pool"; continue; fi
    # A mirror never creates names with a line end.
    (cd "$ROOT/$pool" && find . -not -type d ! -name "*[[:cntrl:]]*" ! -path "*[[:cntrl:]]*" -printf '%P\n' | LC_ALL=C sort) | LC_ALL=C comm -13 "$WORK/wanted" - | tr '\n' '\0' >"$WORK/unwanted"
    [ ! -s "$WORK/unwanted" ] || remove_from "$ROOT/$pool" "$WORK/unwanted"
  done
}
