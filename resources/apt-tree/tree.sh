# Publishes a tree: what clients see is one symbolic link, switched when everything behind it is in place.
# Part of a job's script; expects, beside what fetch.sh does:
#   OWNER     the mirror, as it is called in messages
#   ROOT      directory of the mirror: pool/ (every file of the kept trees), trees/NUMBER-DIGEST/, current -> trees/...
#   MODE      verbatim or resigned
#   PLAN      SHA-256 of the plan's text, which is in the store
#   SUMMARY   SHA-256 of the summary's text, CONTENTS of what the preview found out; both are in the store
#   KEEP      how many trees to keep, the published one included

# Updates of one mirror take turns, whoever runs them. The store is shared: whoever has files in it that nothing links
# to yet holds its lock with others; who prunes it needs it alone.
take_lock() {
  exec 9>"$ROOT/.lock" 8>"$STORE/.lock"
  flock -n 9 || { echo "progress waiting for another update of this mirror to end"; flock -w 7200 9 || { echo "fault lock: another update of this mirror has not ended within two hours"; exit 65; }; }
  owner=$(cat "$ROOT/.owner" 2>/dev/null || true)
  if [ "${owner:-$OWNER}" != "$OWNER" ]; then
    echo "fault $ROOT: belongs to the mirror $owner, and this is $OWNER: give one of them another directory, or the renamed one an alias"
    exit 65
  fi
  echo "$OWNER" >"$ROOT/.owner"
  flock -s 8
  mkdir -p "$WORK"
}

# prune_store MINUTES: drops what no mirror links to and has been there for so long. What is handed over before a job
# starts is not linked yet either.
prune_store() {
  flock -n -x 8 || return 0
  find "$STORE" -mindepth 2 -type f -links 1 -mmin "+$1" -delete
  find "$STORE" -mindepth 1 -type d -empty -delete
}

in_store() { printf '%s/%s/%s' "$STORE" "$(printf %.2s "$1")" "$1"; }

# keep_in_store FILE: puts a copy of it there and prints its digest.
keep_in_store() {
  digest=$(sha256sum <"$1" | cut -d' ' -f1)
  mkdir -p "$STORE/$(printf %.2s "$digest")"
  cp "$1" "$(in_store "$digest").new" && mv -f "$(in_store "$digest").new" "$(in_store "$digest")"
  echo "$digest"
}

# The number behind the newest tree, so that names sort by age whatever the clock says.
next_number() {
  last=$(ls -1 "$ROOT/trees" 2>/dev/null | sed -n 's/^\([0-9]\{6\}\)-.*/\1/p' | sort | tail -n 1)
  printf '%06d' "$(($(echo "${last:-0}" | sed 's/^0*//;s/^$/0/') + 1))"
}

# link_from_store PREFIX BASE: makes BASE/x for every destination PREFIX/x of the work list, as a hard link.
link_from_store() {
  perl -e '
    my ($store, $list, $prefix, $base) = @ARGV; my %made;
    sub parents { my ($path) = @_; my ($dir) = $path =~ m{^(.*)/}; return if !length $dir || $made{$dir}++; parents($dir); mkdir $dir, 0755 }
    open my $in, "<", $list or die "$list: $!";
    while (<$in>) {
      chomp; my ($sha, $size, $path, $dest) = split /\t/, $_, 4;
      next unless $dest =~ s{^\Q$prefix\E/}{};
      my $from = "$store/" . substr($sha, 0, 2) . "/$sha"; my $to = "$base/$dest";
      my @from = stat $from or die "$from: $!\n"; my @to = lstat $to;
      next if @to && $to[0] == $from[0] && $to[1] == $from[1];
      parents($to);
      if (!@to) { link $from, $to or die "$to: $!\n"; next }
      my $new = "$to.new"; unlink $new; link $from, $new or die "$new: $!\n"; rename $new, $to or die "$to: $!\n";
    }
  ' "$STORE" "$LIST" "$1" "$2"
}

# Index files of the trees that stay, under the names that only their contents decide: a client that
# holds an older InRelease still finds what it asks for next.
carry_by_hash() {
  ls -1d "$ROOT"/trees/[0-9]*/public 2>/dev/null | sort -r | head -n "$((KEEP - 1))" | while read -r older; do
    (cd "$older" && find dists -path '*/by-hash/*' -type f -print0) | perl -0ne '
      BEGIN { ($older, $newer) = splice @ARGV, 0, 2; sub parents { my ($p) = @_; my ($d) = $p =~ m{^(.*)/}; return if -d $d; parents($d); mkdir $d, 0755 } }
      chomp; my $to = "$newer/$_"; next if -e $to; parents($to); link "$older/$_", $to or die "$to: $!\n";
    ' "$older" "$1"
  done
}

# apt resumes a root that it holds in part when size and second of change agree: no two publications share a second.
stamp_roots() {
  last=$(find "$ROOT"/trees/*/public/dists -maxdepth 2 -name '*Release*' -printf '%Ts\n' 2>/dev/null | sort -n | tail -n 1)
  now=$(date +%s)
  [ "$now" -gt "${last:-0}" ] || now=$((last + 1))
  for file in "$1"/dists/*/InRelease "$1"/dists/*/Release "$1"/dists/*/Release.gpg; do
    [ -e "$file" ] || continue
    # A file of its own: the one in the store belongs to other trees too.
    cp "$file" "$file.new" && touch -d "@$now" "$file.new" && mv "$file.new" "$file"
  done
}

# What the tree consists of, to tell later whether it still does: sha256 TAB size TAB mtime TAB path below ROOT.
write_listing() {
  (cd "$ROOT" && find "trees/$2/public" -type f -print0 | xargs -0 -r sha256sum -z -- | perl -0ne 'chomp; /^([0-9a-f]{64}) [ *](.*)$/s and print "$1\t$2\n"') >"$WORK/public-sums"
  # Where files lie in the pool of a re-signed tree is reprepro's decision.
  [ "$MODE" = resigned ] || awk -F'\t' '$4 ~ /^pool\// { print $1 "\t" $2 "\t" $4 }' "$LIST" >"$WORK/pool-files"
  perl -e '
    my ($root, $pool, $sums) = @ARGV; my %line;
    sub note { my ($sha, $path) = @_; my @at = stat "$root/$path" or die "$path: $!\n"; $line{$path} = "$sha\t$at[7]\t$at[9]\t$path\n" }
    open my $public, "<", $sums or die; while (<$public>) { chomp; note(split /\t/, $_, 2) }
    open my $in, "<", $pool or die; while (<$in>) { chomp; my ($sha, $size, $path) = split /\t/, $_, 3; note($sha, $path) }
    print $line{$_} for sort keys %line;
  ' "$ROOT" "$WORK/pool-files" "$WORK/public-sums" >"$1/listing"
}

# Publishes $WORK/tree/public under a new name.
publish_tree() {
  tree="$(next_number)-$(printf %.12s "$PLAN")"
  ln -s ../../../pool "$WORK/tree/public/pool"
  carry_by_hash "$WORK/tree/public"
  stamp_roots "$WORK/tree/public"
  cp "$(in_store "$PLAN")" "$WORK/tree/plan"
  cp "$(in_store "$SUMMARY")" "$WORK/tree/summary.json"
  cp "$(in_store "$CONTENTS")" "$WORK/tree/contents.json"
  chmod -R u=rwX,go=rX "$WORK/tree"
  mkdir -p "$ROOT/trees"
  rm -rf "$ROOT/trees/unfinished" && mkdir "$ROOT/trees/unfinished"
  mv "$WORK/tree/public" "$ROOT/trees/unfinished/public"
  write_listing "$WORK/tree" unfinished
  sed -i 's#\ttrees/unfinished/#\ttrees/'"$tree"'/#' "$WORK/tree/listing"
  [ ! -e "$WORK/tree/signed-until" ] || mv "$WORK/tree/signed-until" "$ROOT/trees/unfinished/"
  mv "$WORK/tree/plan" "$WORK/tree/summary.json" "$WORK/tree/contents.json" "$WORK/tree/listing" "$ROOT/trees/unfinished/"
  sync -f "$ROOT"
  mv -T "$ROOT/trees/unfinished" "$ROOT/trees/$tree"
  switch_to "$tree"
  echo "progress published $tree"
}

switch_to() {
  ln -sfn "trees/$1" "$ROOT/current.new"
  mv -T "$ROOT/current.new" "$ROOT/current"
  sync -f "$ROOT"
}

# Drops the trees beyond KEEP (never the published one, nor the one PINNED names) and the files that no kept tree refers to.
prune() {
  published=$(basename "$(readlink "$ROOT/current")")
  ls -1 "$ROOT/trees" | grep '^[0-9]' | sort -r | { kept=0; while read -r tree; do
    kept=$((kept + 1)); [ "$kept" -le "$KEEP" ] || [ "$tree" = "$published" ] || [ "$tree" = "${PINNED:-}" ] || rm -rf "$ROOT/trees/$tree"
  done; }
  cat "$ROOT"/trees/*/listing | perl -ne 'chomp; my (undef, undef, undef, $path) = split /\t/, $_, 4; print "$path\n" if $path =~ m{^pool/} && !$seen{$path}++' | LC_ALL=C sort >"$WORK/wanted"
  (cd "$ROOT" && find pool -type f -print 2>/dev/null | LC_ALL=C sort) | LC_ALL=C comm -13 "$WORK/wanted" - >"$WORK/unwanted"
  if [ -s "$WORK/unwanted" ]; then
    [ "$MODE" != resigned ] || reprepro_forget <"$WORK/unwanted"
    (cd "$ROOT" && tr '\n' '\0' <"$WORK/unwanted" | xargs -0 -r rm -f -- && find pool -mindepth 1 -type d -empty -delete)
  fi
  prune_store 60
}

# What the published tree lacks or has wrong, as "sha256 TAB reason TAB path"; time stamps alone are no fault.
faults_of() {
  perl -e '
    my ($root, $listing) = @ARGV; open my $in, "<", $listing or exit 0;
    while (<$in>) {
      chomp; my ($sha, $size, $mtime, $path) = split /\t/, $_, 4; my @at = stat "$root/$path";
      if (!@at) { print "$sha\tmissing\t$path\n"; next }
      if ($at[7] != $size) { print "$sha\tsize\t$path\n"; next }
      next if $at[9] == $mtime;
      open my $sum, "-|", "sha256sum", "--", "$root/$path" or die; my ($is) = <$sum> =~ /([0-9a-f]{64})/;
      print "$sha\tcontent\t$path\n" if $is ne $sha;
    }
  ' "$ROOT" "$1/listing"
}

# A damaged file of the pool is the same file in the store: it must go there, to be fetched again.
discard_damaged() {
  [ -e "$ROOT/current/listing" ] || return 0
  faults_of "$ROOT/current" | while IFS="$(printf '\t')" read -r sha _ path; do
    kept=$(in_store "$sha")
    [ -e "$kept" ] && [ "$(sha256sum <"$kept" | cut -d' ' -f1)" != "$sha" ] && rm -f "$kept"
    case "$path" in pool/*) rm -f "$ROOT/$path" ;; esac
  done
}
