# Prints the missing and the wrong files of a tree; see faults_of in tree.sh.
#
#   ROOT TREE     the mirror's directory; the tree's directory

my ($root, $tree) = @ARGV;

sub look_at {
  my ($sha, $size, $mtime, $path) = @_;
  my $say = sub { print "$sha\t$_[0]\t$path\n" };
  return $say->("missing") if defined off_the_way($root, $path);
  my @at = lstat "$root/$path" or return $say->("missing");
  return $say->("no file") if !-f _;
  return $say->("size") if $at[7] != $size;
  $say->("content") if $at[9] != $mtime && digest_of("$root/$path") ne $sha;
}

listing($root, $tree, \&look_at, sub { print defined $_[0] ? "-\tunreadable\tlisting, line $_[0]\n" : "-\tmissing\tlisting\n" });
