# Trees of images: each has every file that its index promises, as hard links into the store.
# Part of a job's script; expects what tree.sh does.

make_tree() { link_from_store tree "$WORK/tree/public"; }

# MAAS reads the index once and then fetches for an hour: what the trees before this one hold stays where it was, for as
# long as they are kept. Their indices do not, nor what they had from trees before them, nor what is damaged.
complete_tree() {
  : >"$WORK/tree/carried"
  kept_before | while read -r older; do
    faults_of "$older" | cut -f3 >"$WORK/damaged"
    perl -e '
      my ($older, $name, $public, $damaged) = @ARGV; my %skip;
      sub parents { my ($path) = @_; my ($dir) = $path =~ m{^(.*)/}; return if -d $dir; parents($dir); mkdir $dir, 0755 }
      sub each_line { my ($file, $do) = @_; open my $in, "<", $file or return; while (<$in>) { chomp; $do->() } }
      my $prefix = "trees/$name/public/";
      each_line("$older/carried", sub { $skip{$prefix . (split /\t/, $_, 2)[1]} = 1 });
      each_line($damaged, sub { $skip{$_} = 1 });
      each_line("$older/listing", sub {
        my ($sha, undef, undef, $path) = split /\t/, $_, 4;
        return if $skip{$path} || $path !~ s{^\Q$prefix\E}{} || $path =~ m{^streams/};
        my $to = "$public/$path"; return if -e $to;
        parents($to); link "$older/public/$path", $to or die "$to: $!\n";
        print "$sha\t$path\n";
      });
    ' "$older" "$(basename "$older")" "$1" "$WORK/damaged"
  done >>"$WORK/tree/carried"
}

# What is in the store was checked when it came: nothing is read again.
list_tree() {
  { awk -F'\t' '$4 ~ /^tree\// { print $1 "\t" substr($4, 6) }' "$LIST"; cat "$ROOT/trees/$1/carried"; } |
    sed 's#\t#\ttrees/'"$1"'/public/#'
}

# In trees that are no longer published: what they carried serves nobody any more, and what was found damaged in a later
# tree, and fetched again, is damaged in them too, being the same file.
prune_beside() {
  published=$(readlink -e "$ROOT/current")
  for older in "$ROOT"/trees/[0-9]*; do
    [ "$older" != "$published" ] || continue
    drop_carried "$older"
    mend "$older"
  done
}

drop_carried() {
  [ -s "$1/carried" ] || return 0
  perl -e '
    my ($tree, $name) = @ARGV; my %carried;
    open my $in, "<", "$tree/carried" or die; while (<$in>) { chomp; $carried{"trees/$name/public/" . (split /\t/, $_, 2)[1]} = 1 }
    open my $old, "<", "$tree/listing" or die; open my $new, ">", "$tree/listing.new" or die;
    while (<$old>) { chomp(my $line = $_); print $new $_ unless $carried{(split /\t/, $line, 4)[3]} }
    close $new or die; rename "$tree/listing.new", "$tree/listing" or die;
    unlink map { s{^trees/\Q$name\E/}{}r =~ s{^}{$tree/}r } keys %carried;
  ' "$1" "$(basename "$1")"
  find "$1/public" -mindepth 1 -type d -empty -delete
  : >"$1/carried"
}

# What upstream signed is served as it was.
restore_tree() { switch_to "$PINNED"; }
