# The Release files of a tree that the mirror signs, also for a kept tree that is served again. Part of a job's script.
#
# Programs: KNOWN_SUMS (known-sums.perl), RELEASE_SUMS (release-sums.perl)
# Defines: write_release export_key sign_anew
# Private: indices_of
# Needs functions: sums_of link_tree keep_in_store publish_tree prune (../published-tree/tree.sh), pool_of
#   carry_packages (pools.sh), listed (../published-tree/guard.sh)
# Needs variables: WORK (../published-tree/scripts.ts), VALID GNUPG KEY SUITES (scripts.ts),
#   IN_TREE (../published-tree/guard.sh)

# write_release SUITE HEADER: writes the file from upstream's head and the existing files. reprepro's Release would lack the
# by-hash names and the indices copied from upstream, and would have another code name. Leaves the digests of the listed
# files in $WORK/known.
write_release() {
  dir="$WORK/tree/public/dists/$1"
  rm -f "$dir/Release" "$dir/Release.gpg" "$dir/InRelease"
  indices_of "$1" >"$WORK/indices"
  perl -e "$KNOWN_SUMS" "$1" "$WORK/known" <"$WORK/indices" >"$WORK/sums" 2>"$WORK/unread"
  (cd "$dir" && sums_of -- <"$WORK/unread") >"$WORK/read"
  perl -pe 'BEGIN { $suite = shift @ARGV } s{^([0-9a-f]{64})  }{$1\tdists/$suite/}' "$1" "$WORK/read" >>"$WORK/known"
  {
    cat "$2"
    echo "Date: $(LC_ALL=C date -u -R | sed 's/+0000/UTC/')"
    [ "$VALID" -eq 0 ] || echo "Valid-Until: $(LC_ALL=C date -u -R -d "+$VALID seconds" | sed 's/+0000/UTC/')"
    echo "Acquire-By-Hash: yes"
    echo "SHA256:"
    LC_ALL=C sort -k2 "$WORK/sums" "$WORK/read" | perl -e "$IN_TREE$RELEASE_SUMS" "$dir" "$WORK/spare"
  } >"$WORK/Release" && mv "$WORK/Release" "$dir/Release"
  gpg --homedir "$GNUPG" --batch --quiet --no-tty --local-user "$KEY" --digest-algo SHA512 --clearsign --output "$dir/InRelease" "$dir/Release"
  gpg --homedir "$GNUPG" --batch --quiet --no-tty --local-user "$KEY" --digest-algo SHA512 --armor --detach-sign --output "$dir/Release.gpg" "$dir/Release"
}

# indices_of SUITE: the files below its directory, without those of nested suites.
indices_of() {
  set -- "$1" -name by-hash -prune
  for other in $SUITES; do
    case "$other" in "$1"/*) set -- "$@" -o -path "./${other#"$1"/}" -prune ;; esac
  done
  (cd "$WORK/tree/public/dists/$1" && shift && find . "$@" -o -type f -printf '%P\n' | LC_ALL=C sort)
}

# Exports the key for clients, and writes until when the signature is valid.
export_key() {
  gpg --homedir "$GNUPG" --batch --quiet --export "$KEY" >"$WORK/tree/archive-key.gpg"
  gpg --homedir "$GNUPG" --batch --quiet --armor --export "$KEY" >"$WORK/tree/archive-key.asc"
  mv -f "$WORK/tree/archive-key.gpg" "$WORK/tree/archive-key.asc" "$WORK/tree/public/"
  [ "$VALID" -eq 0 ] || echo "$(($(date +%s) + VALID))" >"$WORK/tree/signed-until"
}

# sign_anew DIR: publishes the kept snapshot in DIR again, with new Release files.
sign_anew() {
  rm -rf "$WORK/tree"
  mkdir -p "$WORK/tree"
  link_tree "$1/public" "$WORK/tree/public"
  rm "$WORK/tree/public/pool"
  [ ! -e "$1/carried" ] || cp "$1/carried" "$WORK/tree/carried"
  : >"$WORK/known"
  for suite in $SUITES; do
    sed '/^\(Date\|Valid-Until\|Acquire-By-Hash\|SHA256\):/d; /^ /d' "$1/public/dists/$suite/Release" >"$WORK/head"
    write_release "$suite" "$WORK/head"
  done
  export_key
  POOL=$(pool_of "$1")
  carry_packages "$POOL"
  listed "$1" | awk -F'\t' '$4 ~ /^pool/ { sub(/^pool[^\/]*/, "pool", $4); print $1 "\t" $2 "\t" $4 }' >"$WORK/pool-files"
  PLAN_TEXT=$(keep_in_store "$1/plan") CONTENTS=$(keep_in_store "$1/contents.json")
  publish_tree
  prune
}
