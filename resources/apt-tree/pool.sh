# Trees of an archive: indices of their own, and one pool/ for the packages of all kept trees.
# Part of a job's script; expects, beside what tree.sh does:
#   MODE      verbatim or resigned

DESTINATIONS='tree pool package view index selection sources headers local'

make_tree() {
  mkdir -p "$ROOT/pool"
  link_from_store pool "$ROOT/pool"
  case "$MODE" in
    verbatim) link_from_store tree "$WORK/tree/public" ;;
    resigned) resign ;;
  esac
}

complete_tree() {
  ln -s ../../../pool "$1/pool"
  carry_by_hash "$1"
  stamp_roots "$1"
}

# Index files of the trees that stay, under the names that only their contents decide: a client that
# holds the InRelease of another one still finds what it asks for next. What a tree carried is not its own.
carry_by_hash() {
  : >>"$WORK/tree/carried"
  kept_before | sed 's#$#/public#' | while read -r older; do
    (cd "$older" && find . -path '*/by-hash/*' -type f -printf '%P\0') | perl -0ne "$in_tree"'
      BEGIN {
        ($older, $newer, $work) = splice @ARGV, 0, 3;
        if (open my $in, "<", "$older/../carried") { local $/ = "\n"; while (<$in>) { chomp; $skip{$_} = 1 } }
      }
      chomp; next if $skip{$_} || !sane($_) || lstat "$newer/$_" or defined off_the_way($newer, $_, 1); linked("$older/$_", "$newer/$_", "$work/spare"); print "$_\n";
    ' "$older" "$1" "$WORK" >>"$WORK/tree/carried"
  done
}

# apt resumes a root that it holds in part when size and second of change agree: no two publications share a second.
stamp_roots() {
  last=$(find "$ROOT"/trees/*/public -type f \( -name Release -o -name InRelease -o -name Release.gpg \) -printf '%Ts\n' 2>/dev/null | sort -n | tail -n 1)
  now=$(date +%s)
  [ "$now" -gt "${last:-0}" ] || now=$((last + 1))
  # A suite is where a signed root is: it may have slashes in its name, or be the archive itself.
  find "$1" -type f \( -name InRelease -o -name Release.gpg \) -printf '%h\n' | sort -u | while read -r suite; do
    for file in "$suite/InRelease" "$suite/Release" "$suite/Release.gpg"; do
      [ -e "$file" ] || continue
      # A file of its own: the one in the store belongs to other trees too.
      cp "$file" "$file.new" && touch -d "@$now" "$file.new" && mv "$file.new" "$file"
    done
  done
}

list_tree() {
  (cd "$ROOT" && find "trees/$1/public" -type f -print0 | xargs -0 -r sha256sum -z -- | perl -0ne 'chomp; /^([0-9a-f]{64}) [ *](.*)$/s and print "$1\t$2\n"')
  # Where files lie in the pool of a re-signed tree is reprepro's decision.
  [ "$MODE" = resigned ] || awk -F'\t' '$4 ~ /^pool\// { print $1 "\t" $2 "\t" $4 }' "$LIST" >"$WORK/pool-files"
  cut -f1,3 "$WORK/pool-files"
}

prune_beside() {
  tree_names | while read -r tree; do listed "$ROOT/trees/$tree"; done | cut -f4 | grep '^pool/' | LC_ALL=C sort -u >"$WORK/wanted"
  # A name with a line end in it is nothing that a mirror put there.
  (cd "$ROOT" && find pool -type f ! -name "*[[:cntrl:]]*" ! -path "*[[:cntrl:]]*" -print 2>/dev/null | LC_ALL=C sort) | LC_ALL=C comm -13 "$WORK/wanted" - >"$WORK/unwanted"
  if [ -s "$WORK/unwanted" ]; then
    [ "$MODE" != resigned ] || reprepro_forget <"$WORK/unwanted"
    (cd "$ROOT" && tr '\n' '\0' <"$WORK/unwanted" | xargs -0 -r rm -f -- && find pool -mindepth 1 -type d -empty -delete)
  fi
}

# What upstream signed is served as it was. What the mirror signs is signed anew under a new name: apt keeps the newer
# of two roots it has seen, so clients would never follow an old one.
restore_tree() {
  if ! grep -q "\"mode\":\"$MODE\"" "$kept/summary.json"; then
    echo "fault $PINNED: is not a $MODE tree: set the mode it was published in"
    exit 65
  fi
  if [ "$MODE" = resigned ]; then sign_anew; return; fi
  rm -rf "$WORK/tree"
  mkdir -p "$WORK/tree"
  carry_by_hash "$kept/public"
  cat "$WORK/tree/carried" >>"$kept/carried"
  switch_to "$PINNED"
}
