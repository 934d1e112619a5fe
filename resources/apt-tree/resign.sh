# Builds the dists/ of a re-signed tree with reprepro, which reads what upstream signed from a view of the store.
# Part of a job's script; expects, beside what pool.sh does:
#   $ROOT/reprepro/conf   written by the component: distributions, updates, options
#   GNUPG     home directory of the signing key
#   KEY       its fingerprint
#   SUITES    names, separated by blanks
#   UPSTREAM_KEY  SHA-256 of the keys upstream signs with, which are in the store
# The work list brings headers/SUITE, a colon for each slash of its name (the head of its Release file, as upstream has it) and selection/SUITE.
#   VALID     seconds for which the signature is good, 0 for ever

R="$ROOT/reprepro"
HEADERS="$R/headers"

run_reprepro() { reprepro --basedir "$R" --outdir "$R/out" --gnupghome "$R/gnupg" --waitforlock 600 "$@"; }

# Takes files of the pool out of reprepro's books before they go; whatever fails here, the books are made anew.
reprepro_forget() {
  [ -d "$R/db" ] || return 0
  : >"$R/unfinished"
  LC_ALL=C sort >"$WORK/going"
  run_reprepro dumpunreferenced 2>/dev/null | LC_ALL=C sort | LC_ALL=C comm -12 - "$WORK/going" >"$WORK/forget" || return 0
  if [ -s "$WORK/forget" ]; then run_reprepro _forget <"$WORK/forget" >/dev/null 2>&1 || return 0; fi
  rm -f "$R/unfinished"
}

resign() {
  # Its database is a cache of what the view says: it is built again after an interruption, and when a file of the pool
  # has other contents than the one it knows.
  if [ -e "$R/unfinished" ] || [ -e "$WORK/replaced" ]; then rm -rf "$R/db" "$R/lists" "$R/out"; fi
  : >"$R/unfinished"
  mkdir -p "$R/out" "$ROOT/pool" "$R/lists"
  ln -sfn ../../pool "$R/out/pool"
  rm -rf "$R/view" "$R/selection" "$R/headers" "$R/local" "$R/gnupg"
  (umask 077 && mkdir "$R/gnupg")
  gpg --homedir "$R/gnupg" --batch --quiet --import "$(in_store "$UPSTREAM_KEY")"
  link_from_store headers "$R/headers"
  link_from_store local "$R/local"
  if [ -d "$R/local/dists" ]; then sign_local; fi
  link_from_store view "$R/view"
  link_from_store selection "$R/selection"
  mkdir -p "$R/view"
  ln -sfn ../../pool "$R/view/pool"
  # Suites, components and architectures that are no longer mirrored: reprepro stops at what it has of them.
  if [ -d "$R/db" ]; then run_reprepro --keepunreferenced --delete clearvanished >/dev/null 2>&1 || rm -rf "$R/db" "$R/lists"; fi
  rm -rf "$R/out/dists"
  echo "progress reprepro reads the indices"
  if ! run_reprepro --keepunreferenced --noskipold --export=never update >"$WORK/reprepro.log" 2>&1; then
    sed 's/^/fault reprepro: /' "$WORK/reprepro.log" | grep -v ': Created directory\|: Calculating\|: Getting' | tail -n 8
    exit 65
  fi
  check_taken
  run_reprepro export >"$WORK/reprepro.log" 2>&1 || { sed 's/^/fault reprepro: /' "$WORK/reprepro.log" | tail -n 8; exit 65; }
  mkdir -p "$WORK/tree/public"
  link_tree "$R/out/dists" "$WORK/tree/public/dists"
  link_from_store tree "$WORK/tree/public"
  for suite in $SUITES; do write_release "$suite"; done
  export_key
  rm -f "$R/unfinished"
}

# The site's own packages come to reprepro like upstream's, from an index that the mirror's key signs.
sign_local() {
  gpg --homedir "$GNUPG" --batch --export "$KEY" | gpg --homedir "$R/gnupg" --batch --quiet --import
  ln -sfn ../../pool "$R/local/pool"
  # They are in the first suite.
  for suite in $SUITES; do
    dir=$R/local/dists/$suite
    [ -d "$dir" ] || continue
    (cd "$dir" && find . -name Packages -type f -printf '%P\n' | LC_ALL=C sort | while read -r index; do
      printf ' %s %s %s\n' "$(sha256sum <"$index" | cut -c1-64)" "$(stat -c %s "$index")" "$index"
    done) >"$WORK/sums"
    { printf 'Suite: %s\nCodename: %s\nDate: %s\nSHA256:\n' "$suite" "$suite" "$(LC_ALL=C date -u -R | sed 's/+0000/UTC/')"; cat "$WORK/sums"; } |
      gpg --homedir "$GNUPG" --batch --quiet --no-tty --local-user "$KEY" --digest-algo SHA512 --clearsign --output "$dir/InRelease"
  done
}

# What reprepro took must be what was planned, file by file.
check_taken() {
  run_reprepro dumpreferences | awk '{ print $NF }' | LC_ALL=C sort -u >"$WORK/referenced"
  run_reprepro _listchecksums | perl -ne 'print "$2\t$3\t$1\n" if /^(\S+) .*:2:([0-9a-f]{64}) .*?(\d+)$/' | LC_ALL=C sort -t "$(printf '\t')" -k3 |
    LC_ALL=C join -t "$(printf '\t')" -1 3 -2 1 -o 1.1,1.2,1.3 - "$WORK/referenced" >"$WORK/pool-files"
  cut -f1 "$WORK/pool-files" | sort -u >"$WORK/taken"
  awk -F'\t' '$4 ~ /^pool\// { print $1 "\t" $4 }' "$LIST" | LC_ALL=C sort | LC_ALL=C join -t "$(printf '\t')" -v 1 - "$WORK/taken" >"$WORK/not-taken"
  if [ -s "$WORK/not-taken" ]; then
    sed 's/^[^\t]*\t\(.*\)/fault \1: is planned, and reprepro did not take it/' "$WORK/not-taken" | head -n 10
    exit 65
  fi
}

# The name of the file with a suite's head: suites may have slashes, and one may be the beginning of another.
head_name() { printf %s "$1" | tr / :; }

# Publishes the kept tree in $kept again, with Release files of today.
sign_anew() {
  rm -rf "$WORK/tree" "$WORK/headers"
  mkdir -p "$WORK/tree" "$WORK/headers"
  link_tree "$kept/public" "$WORK/tree/public"
  rm "$WORK/tree/public/pool"
  [ ! -e "$kept/carried" ] || cp "$kept/carried" "$WORK/tree/carried"
  HEADERS=$WORK/headers
  for suite in $SUITES; do
    sed '/^\(Date\|Valid-Until\|Acquire-By-Hash\|SHA256\):/d; /^ /d' "$kept/public/dists/$suite/Release" >"$HEADERS/$(head_name "$suite")"
    write_release "$suite"
  done
  export_key
  listed "$kept" | awk -F'\t' '$4 ~ /^pool\// { print $1 "\t" $2 "\t" $4 }' >"$WORK/pool-files"
  PLAN=$(keep_in_store "$kept/plan") CONTENTS=$(keep_in_store "$kept/contents.json")
  publish_tree
  prune
}

# The key for clients to fetch, and until when what it signed is good.
export_key() {
  gpg --homedir "$GNUPG" --batch --quiet --export "$KEY" >"$WORK/tree/archive-key.gpg"
  gpg --homedir "$GNUPG" --batch --quiet --armor --export "$KEY" >"$WORK/tree/archive-key.asc"
  mv -f "$WORK/tree/archive-key.gpg" "$WORK/tree/archive-key.asc" "$WORK/tree/public/"
  [ "$VALID" -eq 0 ] || echo "$(($(date +%s) + VALID))" >"$WORK/tree/signed-until"
}

# reprepro's own Release would lack the by-hash names and the indices passed on from upstream, and call the
# suite by a code name of its own: the file is written anew from upstream's head and what is really there.
write_release() {
  dir="$WORK/tree/public/dists/$1"
  rm -f "$dir/Release" "$dir/Release.gpg" "$dir/InRelease"
  (cd "$dir" && find . -type f -not -path '*/by-hash/*' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 -r sha256sum --) >"$WORK/sums"
  {
    cat "$HEADERS/$(head_name "$1")"
    echo "Date: $(LC_ALL=C date -u -R | sed 's/+0000/UTC/')"
    [ "$VALID" -eq 0 ] || echo "Valid-Until: $(LC_ALL=C date -u -R -d "+$VALID seconds" | sed 's/+0000/UTC/')"
    echo "Acquire-By-Hash: yes"
    echo "SHA256:"
    perl -e "$in_tree"'
      my ($dir, $sums, $spare) = @ARGV; open my $in, "<", $sums or fault("$sums: $!");
      while (<$in>) {
        my ($sha, $path) = /^([0-9a-f]{64}) [ *](.*)$/ or die;
        printf " %s %16d %s\n", $sha, -s "$dir/$path", $path;
        my ($up) = $path =~ m{^(.*/)}; my $to = ($up // "") . "by-hash/SHA256/$sha"; make_way($dir, $to);
        -e "$dir/$to" or linked("$dir/$path", "$dir/$to", $spare);
      }
    ' "$dir" "$WORK/sums" "$WORK/spare"
  } >"$WORK/Release" && mv "$WORK/Release" "$dir/Release"
  gpg --homedir "$GNUPG" --batch --quiet --no-tty --local-user "$KEY" --digest-algo SHA512 --clearsign --output "$dir/InRelease" "$dir/Release"
  gpg --homedir "$GNUPG" --batch --quiet --no-tty --local-user "$KEY" --digest-algo SHA512 --armor --detach-sign --output "$dir/Release.gpg" "$dir/Release"
}
