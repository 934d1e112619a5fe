# The pools of a mirror's trees. A tree names the pool it is served from by its link public/pool; several trees share one as
# long as the later ones only add to it. Where one needs other bytes at a path that a kept snapshot lists, it gets a pool of its own:
# nothing that any kept snapshot lists is replaced or removed. Part of a job's script.
#
# Programs: ROOM_IN_POOL (room-in-pool.perl), CARRY_PACKAGES (carry-packages.perl)
# Defines: pool_of fill_pool take_back carry_packages prune_beside
# Private: remove_from next_pool room_in_pool kept_packages
# Needs functions: link_from_store next_number (../published-tree/tree.sh), tree_names
#   listed (../published-tree/guard.sh)
# Needs variables: ROOT WORK STORE (../published-tree/scripts.ts), IN_TREE (../published-tree/guard.sh)

# pool_of TREE: the directory below ROOT that the tree in TREE is served from.
pool_of() { basename "$(readlink "$1/public/pool" 2>/dev/null || echo pool)"; }

# fill_pool LIST: brings what LIST names (as a work list, for destinations pool/...) into the pool of the tree that is to be,
# and leaves the pool's name in POOL.
fill_pool() {
  POOL=$(pool_of "$ROOT/current")
  mkdir -p "$ROOT/$POOL"
  harm=0
  room_in_pool "$1" "$POOL" || harm=$?
  case "$harm" in
    0) ;;
    3)
      POOL=$(next_pool)
      echo "progress kept snapshots have other packages under the same names: the new snapshot gets a pool of its own"
      mkdir "$ROOT/$POOL"
      ;;
    *) exit "$harm" ;;
  esac
  link_from_store pool "$ROOT/$POOL" "$WORK/brought" "$1"
  carry_packages "$POOL"
}

# What fill_pool brought and no tree came of is taken away again.
take_back() { [ ! -s "$WORK/brought" ] || remove_from "$ROOT" "$WORK/brought" || true; }

# remove_from DIR LIST: the files below DIR whose paths the file LIST has, each with a NUL behind it, and of their directories
# those in which nothing is left. Only these: to look through a large pool takes seconds.
remove_from() {
  (
    # Within a condition a failure would not end it, and what is named like that elsewhere is not the mirror's.
    cd "$1" || exit
    xargs -0 -r rm -f -- <"$2"
    sed -zn 's#/[^/]*$##p' "$2" | LC_ALL=C sort -zu | xargs -0 -r rmdir -p --ignore-fail-on-non-empty -- 2>/dev/null || true
  )
}

# Of a name that no tree has, and that nothing is left of: what a failed update made is taken away.
next_pool() {
  number=$(next_number)
  while grep -q "$(printf '\t')pool-$number/" "$ROOT"/trees/[0-9]*/listing 2>/dev/null; do number=$(printf '%06d' "$(($(echo "$number" | sed 's/^0*//') + 1))"); done
  rm -rf "$ROOT/pool-$number"
  echo "pool-$number"
}

# room_in_pool LIST POOL: its status is 3 where a file of LIST cannot be in POOL without harm to what a kept snapshot lists there. Otherwise
# takes away what no tree lists and stands in the way, which failed updates have left.
room_in_pool() {
  kept_packages "$2" >"$WORK/kept-packages"
  perl -e "$IN_TREE$ROOM_IN_POOL" "$STORE" "$ROOT" "$1" "$2" "$WORK/kept-packages"
}

# kept_packages [POOL]: what the kept snapshots list in one pool, or in all, as their listings have it.
kept_packages() { tree_names | while read -r tree; do listed "$ROOT/trees/$tree"; done | awk -F'\t' -v pool="${1:-}" '$4 ~ /^pool/ && (pool == "" || index($4, pool "/") == 1)'; }

# carry_packages POOL: what the kept snapshots list and another pool has is put into this one, where it has nothing there:
# clients in the middle of an update ask for packages that the tree they began with lists.
carry_packages() {
  [ "$(find "$ROOT" -mindepth 1 -maxdepth 1 -type d -name 'pool*' | wc -l)" -gt 1 ] || return 0
  kept_packages | perl -e "$IN_TREE$CARRY_PACKAGES" "$ROOT" "$1" "$WORK"
}

# Drops the pools that no kept snapshot is served from, and from the others what no kept snapshot lists.
prune_beside() {
  kept_packages | cut -f4 | sed 's#^[^/]*/##' | LC_ALL=C sort -u >"$WORK/wanted"
  tree_names | while read -r tree; do pool_of "$ROOT/trees/$tree"; done | sort -u >"$WORK/pools"
  find "$ROOT" -mindepth 1 -maxdepth 1 -type d -name 'pool*' -printf '%f\n' | grep -Ex 'pool(-[0-9]+)?' | while read -r pool; do
    if ! grep -qxF "$pool" "$WORK/pools"; then rm -rf "${ROOT:?}/$pool"; continue; fi
    # A name with a line end in it is nothing that a mirror put there.
    (cd "$ROOT/$pool" && find . -not -type d ! -name "*[[:cntrl:]]*" ! -path "*[[:cntrl:]]*" -printf '%P\n' | LC_ALL=C sort) | LC_ALL=C comm -13 "$WORK/wanted" - | tr '\n' '\0' >"$WORK/unwanted"
    [ ! -s "$WORK/unwanted" ] || remove_from "$ROOT/$pool" "$WORK/unwanted"
  done
}
