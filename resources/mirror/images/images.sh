# Trees of images: each has every file that its index promises, as hard links into the store.
# Part of a job's script; expects what tree.sh does.

DESTINATIONS=tree

make_tree() { link_from_store tree "$WORK/tree/public"; }

# MAAS reads the index once and then fetches for an hour: what the trees before this one hold stays where it was, for as
# long as they are kept. Their indices do not, nor what they had from trees before them, nor what is damaged.
complete_tree() {
  : >"$WORK/tree/carried"
  kept_before | while read -r older; do
    faults_of "$older" | cut -f3 >"$WORK/damaged"
    perl -e "$in_tree"'
      my ($root, $older, $name, $public, $damaged, $work) = @ARGV; my %skip;
      sub each_line { my ($file, $do) = @_; open my $in, "<", $file or return; while (<$in>) { chomp; $do->() } }
      my $prefix = "trees/$name/public/";
      each_line("$older/carried", sub { $skip{$prefix . ((split /\t/, $_, 2)[1] // "")} = 1 });
      each_line($damaged, sub { $skip{$_} = 1 });
      listing($root, $older, sub {
        my ($sha, undef, undef, $path) = @_;
        return if $skip{$path} || $path !~ s{^\Q$prefix\E}{} || $path =~ m{^streams/};
        # What is a file in one of the trees may be a directory in the other.
        return if lstat "$public/$path" or defined off_the_way($public, $path, 1);
        linked("$older/public/$path", "$public/$path", "$work/spare");
        print "$sha\t$path\n";
      });
    ' "$ROOT" "$older" "$(basename "$older")" "$1" "$WORK/damaged" "$WORK"
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
  tree_names | while read -r older; do
    older=$ROOT/trees/$older
    [ "$(readlink -e "$older")" != "$published" ] || continue
    drop_carried "$older"
    mend "$older"
  done
}

drop_carried() {
  [ -s "$1/carried" ] || return 0
  perl -e "$in_tree"'
    my ($root, $tree, $name) = @ARGV; my (%carried, @gone);
    open my $in, "<", "$tree/carried" or fault("$tree/carried: $!"); while (<$in>) { chomp; $carried{"trees/$name/public/" . ((split /\t/, $_, 2)[1] // "")} = 1 }
    open my $new, ">", "$tree/listing.new" or fault("$tree/listing.new: $!");
    listing($root, $tree, sub { if ($carried{$_[3]}) { push @gone, $_[3] } else { print $new join("\t", @_), "\n" } });
    close $new && rename "$tree/listing.new", "$tree/listing" or fault("$tree/listing: $!");
    # What the listing does not have is no file of the tree, whatever the other list says.
    unlink map { "$root/$_" } grep { !defined off_the_way($root, $_) } @gone;
  ' "$ROOT" "$1" "$(basename "$1")"
  find "$1/public" -mindepth 1 -type d -empty -delete
  : >"$1/carried"
}

# What upstream signed is served as it was.
restore_tree() { switch_to "$PINNED"; }
