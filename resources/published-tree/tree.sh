# Publishes a tree: what clients see is one symbolic link, switched when everything behind it is in place.
# Part of a job's script; expects, beside what fetch.sh does:
#   OWNER     the mirror, as it is called in messages
#   ROOT      directory of the mirror: trees/NUMBER-DIGEST/, current -> trees/..., and what a kind of tree has beside them
#   PLAN      SHA-256 of the plan's text, which is in the store
#   SUMMARY   SHA-256 of the summary's text, CONTENTS of what the preview found out; both are in the store
#   KEEP      how many trees to keep, the published one included
# What a kind of tree does its own way are functions of its own:
#   make_tree            makes $WORK/tree/public of what is in the store
#   complete_tree DIR    adds to the new tree's public files, in DIR, what comes from the trees before it
#   list_tree TREE       prints what trees/TREE consists of: sha256 TAB path below ROOT
#   prune_beside         drops what no kept tree refers to from what the kind has beside the trees
#   restore_tree         serves the kept tree PINNED, found whole in $kept, again

# Updates of one mirror take turns, whoever runs them. The store is shared: whoever has files in it that nothing links
# to yet holds its lock with others; who prunes it needs it alone.
take_lock() {
  exec 9>"$ROOT/.lock" 8>"$STORE/.lock"
  # First, as what was handed over for this update is not to be pruned while it waits.
  flock -s 8
  flock -n 9 || { echo "progress waiting for another update of this mirror to end"; flock -w 7200 9 || { echo "fault lock: another update of this mirror has not ended within two hours"; exit 65; }; }
  owner=$(cat "$ROOT/.owner" 2>/dev/null || true)
  if [ "${owner:-$OWNER}" != "$OWNER" ]; then
    echo "fault $ROOT: belongs to the mirror $owner, and this is $OWNER: give one of them another directory, or the renamed one an alias"
    exit 65
  fi
  others=$(not_of_mirrors)
  if [ -n "$others" ]; then
    echo "fault $ROOT: holds what no mirror put there ($others), and an update would remove it: set directory to one that is empty or does not exist"
    exit 65
  fi
  echo "$OWNER" >"$ROOT/.owner"
  mkdir -p "$WORK"
}

# Names of something else in a directory that no mirror has owned. A file system has one of its own; what comes before
# the lock is in it by then; and a mirror of an earlier release has left its trees there.
not_of_mirrors() {
  [ ! -e "$ROOT/.owner" ] || return 0
  known='lost\+found|\.lock'
  if [ -z "$(ls -A "$ROOT/work" 2>/dev/null)" ]; then known="$known|work"; fi
  if ! ls -A "$ROOT/store" 2>/dev/null | grep -qEvx '\.lock|[0-9a-f]{2}'; then known="$known|store"; fi
  if ! ls -A "$ROOT/reprepro" 2>/dev/null | grep -qvx conf && ! head -qn 1 "$ROOT/reprepro/conf/"* 2>/dev/null | grep -qv airgapped-maas; then
    known="$known|reprepro"
  fi
  if [ -e "$ROOT/current/summary.json" ]; then known="$known|pool|trees|current"; fi
  ls -A "$ROOT" 2>/dev/null | grep -Evx "$known" | head -n 5 | paste -sd ' ' -
}

# Takes away what only this update needed; without it, an update was cut off after the switch.
finish() {
  rm -rf "$WORK"
  rm -f "$ROOT/.unfinished"
}

# prune_store MINUTES: drops what no mirror links to and has been there for so long. What is handed over before a job
# starts is not linked yet either.
prune_store() {
  flock -n -x 8 || return 0
  find "$STORE" -mindepth 2 -type f -links 1 -mmin "+$1" -delete
  # A directory is made before what is handed over comes into it, and that takes no lock.
  find "$STORE" -mindepth 1 -type d -empty -mmin "+$1" -delete
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

# link_from_store PREFIX BASE: makes BASE/x for every destination PREFIX/x of the work list, as a hard link. Leaves
# $WORK/replaced where another file stood at one.
link_from_store() {
  perl -e '
    my ($store, $list, $prefix, $base, $replaced) = @ARGV; my %made;
    sub parents { my ($path) = @_; my ($dir) = $path =~ m{^(.*)/}; return if !length $dir || $made{$dir}++; parents($dir); mkdir $dir, 0755 }
    # A job of another mirror may put the same file into the store at this moment: link(2) then fails with ENOENT once.
    sub linked { my ($from, $to) = @_; for (1 .. 100) { return if link $from, $to; last unless $!{ENOENT} && -e $from } die "$to: $!\n" }
    open my $in, "<", $list or die "$list: $!";
    while (<$in>) {
      chomp; my ($sha, $size, $path, $dest) = split /\t/, $_, 4;
      next unless $dest =~ s{^\Q$prefix\E/}{};
      my $from = "$store/" . substr($sha, 0, 2) . "/$sha"; my $to = "$base/$dest";
      my @from = stat $from or die "$from: $!\n"; my @to = lstat $to;
      next if @to && $to[0] == $from[0] && $to[1] == $from[1];
      parents($to);
      if (!@to) { linked($from, $to); next }
      # What was handed over again is the same file anew.
      open my $sum, "-|", "sha256sum", "--", $to or die; my ($is) = <$sum> =~ /([0-9a-f]{64})/;
      if ($is ne $sha) { open my $note, ">", $replaced or die "$replaced: $!\n" }
      my $new = "$to.new"; unlink $new; linked($from, $new); rename $new, $to or die "$to: $!\n";
    }
  ' "$STORE" "$LIST" "$1" "$2" "$WORK/replaced"
}

# What the tree consists of, to tell later whether it still does: sha256 TAB size TAB mtime TAB path below ROOT.
write_listing() {
  list_tree "$2" >"$WORK/files"
  perl -e '
    my ($root, $files) = @ARGV; my %line;
    open my $in, "<", $files or die;
    while (<$in>) { chomp; my ($sha, $path) = split /\t/, $_, 2; my @at = stat "$root/$path" or die "$path: $!\n"; $line{$path} = "$sha\t$at[7]\t$at[9]\t$path\n" }
    print $line{$_} for sort keys %line;
  ' "$ROOT" "$WORK/files" >"$1/listing"
}

# Publishes $WORK/tree/public under a new name.
publish_tree() {
  tree="$(next_number)-$(printf %.12s "$PLAN")"
  complete_tree "$WORK/tree/public"
  cp "$(in_store "$PLAN")" "$WORK/tree/plan"
  cp "$(in_store "$SUMMARY")" "$WORK/tree/summary.json"
  cp "$(in_store "$CONTENTS")" "$WORK/tree/contents.json"
  chmod -R u=rwX,go=rX "$WORK/tree"
  mkdir -p "$ROOT/trees"
  rm -rf "$ROOT/trees/unfinished" && mkdir "$ROOT/trees/unfinished"
  mv "$WORK"/tree/* "$ROOT/trees/unfinished/"
  write_listing "$ROOT/trees/unfinished" unfinished
  sed -i 's#\ttrees/unfinished/#\ttrees/'"$tree"'/#' "$ROOT/trees/unfinished/listing"
  sync -f "$ROOT"
  mv -T "$ROOT/trees/unfinished" "$ROOT/trees/$tree"
  switch_to "$tree"
  echo "progress published $tree"
}

switch_to() {
  : >"$ROOT/.unfinished"
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
  prune_beside
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

# mendable SHA PATH: whether the store has that file whole, and what is served has no other one at its path.
mendable() {
  [ -e "$(in_store "$1")" ] && [ "$(sha256sum <"$(in_store "$1")" | cut -d' ' -f1)" = "$1" ] || return 1
  ! awk -F'\t' -v sha="$1" -v path="$2" '$4 == path && $1 != sha { other = 1 } END { exit !other }' "$ROOT/current/listing"
}

# What a kept tree lacks and the store has is put there again.
mend() {
  faults_of "$1" | while IFS="$(printf '\t')" read -r sha _ path; do
    mendable "$sha" "$path" || continue
    mkdir -p "$(dirname "$ROOT/$path")"
    ln -f "$(in_store "$sha")" "$ROOT/$path.new" && mv -f "$ROOT/$path.new" "$ROOT/$path"
  done
}

# The published tree, which need not be the newest, and those that the next pruning leaves.
kept_before() {
  [ "$KEEP" -gt 1 ] || return 0
  {
    readlink -e "$ROOT/current" || true
    ls -1d "$ROOT"/trees/[0-9]* 2>/dev/null | sort -r | head -n "$((KEEP - 1))"
  } | awk '!seen[$0]++'
}

# A damaged file of a tree is the same file in the store: it must go there, to be fetched again.
discard_damaged() {
  [ -e "$ROOT/current/listing" ] || return 0
  faults_of "$ROOT/current" | while IFS="$(printf '\t')" read -r sha _ path; do
    kept=$(in_store "$sha")
    [ -e "$kept" ] && [ "$(sha256sum <"$kept" | cut -d' ' -f1)" != "$sha" ] && rm -f "$kept"
    case "$path" in pool/*) rm -f "$ROOT/$path" ;; esac
  done
}

# What the store has and the published tree does not vouch for may be what a crash of the host left of it: it is read once.
discard_unproven() {
  perl -e '
    my ($store, $list, $listing) = @ARGV; my %seen;
    if (open my $in, "<", $listing) { while (<$in>) { $seen{substr $_, 0, 64} = 1 } }
    open my $in, "<", $list or die "$list: $!";
    while (<$in>) { my $sha = substr $_, 0, 64; next if $seen{$sha}++; my $path = substr($sha, 0, 2) . "/$sha"; print "$path\0" if -e "$store/$path" }
  ' "$STORE" "$LIST" "$ROOT/current/listing" |
    (cd "$STORE" && xargs -0 -r -n 64 -P "$(nproc)" sha256sum --) |
    perl -ne 'print "$2\0" if /^([0-9a-f]{64}) [ *](..\/([0-9a-f]{64}))$/ && $1 ne $3' |
    (cd "$STORE" && xargs -0 -r rm -f --)
}
