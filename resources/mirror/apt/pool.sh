# Trees of an archive: separate indices, and one pool/ for the packages of all kept snapshots.
# Part of a job's script; it uses, in addition to tree.sh,
#   SIGNING   who signs: mirror or upstream
#
# Programs: CARRY_BY_HASH (carry-by-hash.perl), LIST_TREE (list-tree.perl)
# Defines: make_tree complete_tree list_tree restore_tree
# Private: carry_by_hash stamp_roots
# Needs functions: take_back fill_pool pool_of carry_packages (pools.sh), link_from_store kept_before sums_of
#   switch_to (../published-tree/tree.sh), fault (../published-tree/guard.sh), make_mirror_signed (mirror-signing.sh),
#   sign_anew (release.sh)
# Needs variables: WORK LIST ROOT PINNED (../published-tree/scripts.ts), SIGNING (scripts.ts), POOL (pools.sh),
#   IN_TREE (../published-tree/guard.sh)

DESTINATIONS='tree pool package index selection sources headers'

make_tree() {
  rm -f "$WORK/brought"
  trap take_back EXIT
  case "$SIGNING" in
    upstream)
      link_from_store tree "$WORK/tree/public"
      [ ! -e "$WORK/tree/public/pool" ] || fault "pool: is a file in upstream's index, but a mirror has its packages in a directory with that name"
      awk -F'\t' '$4 ~ /^pool\// { print $1 "\t" $2 "\t" $4 }' "$LIST" >"$WORK/pool-files"
      fill_pool "$LIST"
      ;;
    mirror) make_mirror_signed ;;
  esac
}

complete_tree() {
  ln -s "../../../$POOL" "$1/pool"
  carry_by_hash "$1"
  stamp_roots "$1"
}

# Index files of the kept trees, under their by-hash names: a client that has the InRelease of another tree still finds
# the files that it requests next. Carried files do not count as files of the tree that carried them.
carry_by_hash() {
  : >>"$WORK/tree/carried"
  kept_before | sed 's#$#/public#' | while read -r older; do
    (cd "$older" && find . -path '*/by-hash/*' -type f -printf '%P\0') | perl -e "$IN_TREE$CARRY_BY_HASH" "$older" "$1" "$WORK" >>"$WORK/tree/carried"
  done
}

# apt resumes a partly downloaded root if size and second of modification are equal: so two publications never have the
# same second.
stamp_roots() {
  last=$(find "$ROOT"/trees/*/public -type f \( -name Release -o -name InRelease -o -name Release.gpg \) -printf '%Ts\n' 2>/dev/null | sort -n | tail -n 1)
  now=$(date +%s)
  [ "$now" -gt "${last:-0}" ] || now=$((last + 1))
  # A suite is a directory with a signed root. Its name may have slashes, or it is the archive's root.
  find "$1" -type f \( -name InRelease -o -name Release.gpg \) -printf '%h\n' | sort -u | while read -r suite; do
    for file in "$suite/InRelease" "$suite/Release" "$suite/Release.gpg"; do
      [ -e "$file" ] || continue
      # A separate copy: the file in the store belongs to other trees too. A temporary name beside it might be another
      # file of the tree, and writing into that would change the store, and served files.
      rm -f "$WORK/stamped" && cp "$file" "$WORK/stamped" && touch -d "@$now" "$WORK/stamped" && mv "$WORK/stamped" "$file"
    done
  done
}

# Files with known digests are not read again.
list_tree() {
  : >>"$WORK/known"
  perl -e "$LIST_TREE" "$ROOT" "$1" "$WORK/known" "$WORK/unknown"
  (cd "$ROOT" && sums_of -z -- <"$WORK/unknown") |
    perl -0ne 'chomp; /^([0-9a-f]{64}) [ *](.*)$/s and print "$1\t$2\n"'
  awk -F'\t' -v pool="$POOL/" '{ sub(/^pool\//, pool, $3); print $1 "\t" $3 }' "$WORK/pool-files"
}

# A snapshot with upstream's signature is served unchanged. A snapshot of a mirror that signs is signed again under a new
# name: apt keeps the newer of two roots, so clients would never use the old one.
restore_tree() {
  if ! grep -q "\"signing\":\"$SIGNING\"" "$1/summary.json"; then
    echo "fault $PINNED: was published with another signing than $SIGNING: set signing to its value at that time"
    exit 65
  fi
  if [ "$SIGNING" = mirror ]; then sign_anew "$1"; return; fi
  rm -rf "$WORK/tree"
  mkdir -p "$WORK/tree"
  carry_packages "$(pool_of "$1")"
  carry_by_hash "$1/public"
  cat "$WORK/tree/carried" >>"$1/carried"
  switch_to "$PINNED"
}
