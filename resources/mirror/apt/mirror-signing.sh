# Builds the dists/ of a tree that the mirror signs, with reprepro, and adds its packages to the pool. Part of a
# job's script; it uses
#   $ROOT/reprepro/conf   written by the component: distributions, updates, options
#   GNUPG     home directory of the signing key
#   KEY       its fingerprint
#   SUITES    names, separated by blanks
#   VALID     seconds for which the signature is valid, 0 without end
#   PHASES    "complete" to offer phased updates to every machine, or empty
#
# reprepro works in a separate directory without packages, which is created for each job and removed afterwards. It reads
# indices that take-index.perl has written, and knows only their data about packages: the packages were checked when they
# were stored. The last output is used again for a suite whose indices, selection and configuration have not changed.
#
# Programs: TAKE_INDEX (stanza.perl + take-index.perl), CHECK_TAKEN (stanza.perl + check-taken.perl), CHECK_PLAN (check-plan.awk)
# Defines: make_mirror_signed
# Private: key_of configure_reprepro state_of is_unchanged in_parallel run_reprepro explain_reprepro take_indices
#   bring_packages make_indices pack_indices taken_of keep_indices forget_suites check_plan put_indices_together
# Needs functions: export_key write_release (release.sh), fill_pool (pools.sh), names_in link_tree link_from_store
#   in_store (../published-tree/tree.sh)
# Needs variables: ROOT WORK LIST STORE (../published-tree/scripts.ts), SUITES KEY GNUPG PHASES (scripts.ts)

R="$ROOT/reprepro"
PLACE="$WORK/reprepro"

# A suite's name as one part of a path, as in work lists.
key_of() { printf %s "$1" | tr / :; }

make_mirror_signed() {
  rm -rf "$PLACE"
  mkdir -p "$PLACE/suites" "$PLACE/view" "$R/suites"
  configure_reprepro
  # The changed suites.
  set --
  for suite in $SUITES; do
    state_of "$suite"
    is_unchanged "$suite" || set -- "$@" "$suite"
  done
  in_parallel take_indices "$@"
  [ $# -eq 0 ] || echo "progress reprepro makes the indices of $*"
  # reprepro and the pool use one processor each.
  (in_parallel make_indices "$@"; check_plan) & making=$!
  (bring_packages) & bringing=$! failed=0
  wait "$making" || failed=$?
  wait "$bringing" || failed=$?
  [ "$failed" -eq 0 ] || exit "$failed"
  POOL=$(cat "$PLACE/pool")
  for suite; do keep_indices "$suite"; done
  forget_suites
  put_indices_together
  export_key
}

# The configuration, with the mirror's key, which signs reprepro's input.
configure_reprepro() {
  mkdir "$PLACE/conf"
  cp "$R/conf/distributions" "$R/conf/updates" "$R/conf/options" "$PLACE/conf/"
  # reprepro 5.3.1 accepts at most 16 hexadecimal digits; the plus sign accepts the key's subkeys.
  sed -i "s/^VerifyRelease: .*/VerifyRelease: $(printf %s "$KEY" | tail -c 16)+/" "$PLACE/conf/updates"
  # A file of keys is a keyring. An import would start an agent, which would outlive the directory.
  (umask 077 && mkdir "$PLACE/gnupg" && gpg --homedir "$GNUPG" --batch --export "$KEY" >"$PLACE/gnupg/pubring.gpg")
}

# state_of SUITE: the digest of everything that determines its indices.
state_of() {
  of=$(key_of "$1")
  mkdir "$PLACE/suites/$of"
  {
    awk -F'\t' -v key="$of" '{ split($4, part, "/") } part[2] == key && part[1] ~ /^(index|selection|sources|headers)$/' "$LIST"
    cat "$R/conf/distributions" "$R/conf/updates" "$R/conf/options"
    reprepro --version 2>&1
    printf '%s\n' "$PHASES" "$TAKE_INDEX" "$CHECK_TAKEN"
  } | sha256sum >"$PLACE/suites/$of/state"
}

# is_unchanged SUITE: whether its last output belongs to this state, and is complete. A published snapshot has the same
# files as hard links, so damage would affect both.
is_unchanged() {
  of=$(key_of "$1")
  cmp -s "$PLACE/suites/$of/state" "$R/suites/$of/state" || return 1
  (cd "$R/suites/$of/dists" && find . -type f -printf '%P\n') | LC_ALL=C sort >"$PLACE/suites/$of/there"
  cut -c67- "$R/suites/$of/sums" | LC_ALL=C sort | cmp -s - "$PLACE/suites/$of/there" || return 1
  (cd "$R/suites/$of/dists" && sha256sum --check --strict --quiet ../sums) >/dev/null 2>&1
}

# in_parallel FUNCTION ITEM...: for all items, with one process per processor.
in_parallel() {
  each=$1 failed=0
  shift
  while [ $# -gt 0 ]; do
    free=$(nproc) started=""
    while [ $# -gt 0 ] && [ "$free" -gt 0 ]; do
      ("$each" "$1") & started="$started $!"
      shift
      free=$((free - 1))
    done
    for process in $started; do wait "$process" || failed=$?; done
  done
  [ "$failed" -eq 0 ] || exit "$failed"
}

run_reprepro() {
  reprepro --confdir "$PLACE/conf" --dbdir "$own/db" --listdir "$own/lists" --outdir "$own/out" --gnupghome "$PLACE/gnupg" "$@" \
    >"$own/reprepro.log" 2>&1 || { explain_reprepro "$suite" "$own/reprepro.log"; exit 65; }
}

# reprepro ends with "There have been errors!", and prints harmless lines before it: the relevant lines come first.
explain_reprepro() {
  grep -v '^There have been errors\|^Created directory\|^Calculating\|^Getting\|^Installing\|^Exporting\|^Closing\|[Ww]arning\|unknown udeb\|unknown component\|files were added but not used\|deleteunreferenced\|only be visible' "$2" | tail -n 8 >"$2.told" || cp "$2" "$2.told"
  sed "s#^#fault reprepro, for $1: #" "$2.told"
}

take_indices() {
  own=$PLACE/suites/$(key_of "$1")
  perl -e "$TAKE_INDEX" "$LIST" "$1" "$STORE" "$PLACE/view" "$own" "$PHASES"
}

# Adds to the pool what is in an index, or may be included in one that is being made: all included files are then there.
bring_packages() {
  for suite in $SUITES; do
    own=$PLACE/suites/$(key_of "$suite")
    if [ -e "$own/candidates" ]; then cut -f3- "$own/candidates"; else taken_of "$suite"; fi
  done | awk -F'\t' '!seen[$0]++ { print $1 "\t" $2 "\t-\t" $3 }' >"$PLACE/packages"
  fill_pool "$PLACE/packages"
  echo "$POOL" >"$PLACE/pool"
}

make_indices() {
  suite=$1
  own=$PLACE/suites/$(key_of "$suite")
  mkdir "$own/db" "$own/lists" "$own/out"
  gpg --homedir "$GNUPG" --batch --quiet --no-tty --local-user "$KEY" --digest-algo SHA512 --clearsign \
    --output "$PLACE/view/dists/$suite/InRelease" "$own/Release"
  if [ -s "$own/checksums" ]; then run_reprepro _addchecksums <"$own/checksums"; fi
  run_reprepro --export=never update "$suite"
  run_reprepro export "$suite"
  mv "$own/out/dists/$suite" "$own/dists"
  rm -f "$own/dists/Release"
  (pack_indices) & packing=$! wrong=0
  perl -e "$CHECK_TAKEN" "$suite" "$own/candidates" "$own/dists" "$own/taken" || wrong=$?
  wait "$packing" || wrong=$?
  [ "$wrong" -eq 0 ] || exit "$wrong"
}

# Compresses the indices of $suite, with a process each, and writes the digests of all. If an index was compressed before,
# that output is used again.
pack_indices() {
  made=$R/suites/$(key_of "$suite")
  (cd "$own/dists" && find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -r -d '\n' sha256sum --) >"$own/sums"
  grep '\(^\|/\)\(Packages\|Sources\)$' "$own/sums" | while read -r sha path; do
    if grep -qsxF "$sha  $path" "$made/sums" &&
      packed=$(grep -F "  $path.xz" "$made/sums" | cut -c1-64) &&
      [ "$(sha256sum <"$made/dists/$path.xz" | cut -c1-64)" = "$packed" ]; then
      ln "$made/dists/$path.xz" "$own/dists/$path.xz"
    else
      printf '%s\0' "$own/dists/$path"
    fi
  done >"$own/to-pack"
  # xz compresses an index differently with one and with two threads.
  xargs -0 -r -n 1 -P "$(nproc)" xz -T2 -1 --keep -- <"$own/to-pack"
  (cd "$own/dists" && find . -type f -name '*.xz' -printf '%P\n' | LC_ALL=C sort | xargs -r -d '\n' sha256sum --) >>"$own/sums"
}

# taken_of SUITE: the package files in its indices, made now or before.
taken_of() { cat "$PLACE/suites/$(key_of "$1")/taken" 2>/dev/null || cat "$R/suites/$(key_of "$1")/taken"; }

keep_indices() {
  of=$(key_of "$1")
  rm -rf "$PLACE/kept"
  mkdir "$PLACE/kept"
  (cd "$PLACE/suites/$of" && mv dists sums taken state "$PLACE/kept/")
  rm -rf "${R:?}/suites/$of"
  mv -T "$PLACE/kept" "$R/suites/$of"
}

forget_suites() {
  for suite in $SUITES; do key_of "$suite"; echo; done >"$PLACE/keys"
  names_in "$R/suites" | { grep -vxF -f "$PLACE/keys" || true; } | while read -r gone; do rm -rf "${R:?}/suites/$gone"; done
}

# The files of the tree must be the planned ones, with one content per path.
check_plan() {
  for suite in $SUITES; do taken_of "$suite"; done | awk '!seen[$0]++' >"$WORK/pool-files"
  awk -F'\t' "$CHECK_PLAN" "$WORK/pool-files" "$LIST" >"$WORK/wrong"
  [ ! -s "$WORK/wrong" ] || { cat "$WORK/wrong"; exit 65; }
}

# The tree's dists/, from reprepro's output and upstream's other files, with Release files of the mirror.
put_indices_together() {
  : >"$WORK/known"
  for suite in $SUITES; do
    made=$R/suites/$(key_of "$suite")
    mkdir -p "$WORK/tree/public/dists/$suite"
    link_tree "$made/dists" "$WORK/tree/public/dists/$suite"
    perl -pe 'BEGIN { $suite = shift @ARGV } s{^([0-9a-f]{64})  }{$1\tdists/$suite/}' "$suite" "$made/sums" >>"$WORK/known"
  done
  link_from_store tree "$WORK/tree/public"
  for suite in $SUITES; do
    awk -F'\t' -v key="$(key_of "$suite")" '$4 == "headers/" key { print $1 }' "$LIST" >"$WORK/header"
    write_release "$suite" "$(in_store "$(cat "$WORK/header")")"
  done
}
