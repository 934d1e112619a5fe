# Removes carried files from a tree and from its listing.
#
#   ROOT TREE NAME     the tree's directory and name

my ($root, $tree, $name) = @ARGV;
my (%carried, @gone);
open my $in, "<", "$tree/carried" or fault("$tree/carried: $!");
while (<$in>) {
  chomp;
  $carried{"trees/$name/public/" . ((split /\t/, $_, 2)[1] // "")} = 1;
}
open my $new, ">", "$tree/listing.new" or fault("$tree/listing.new: $!");
listing($root, $tree, sub {
  if ($carried{ $_[3] }) { push @gone, $_[3] }
  else { print $new join("\t", @_), "\n" }
});
close $new && rename "$tree/listing.new", "$tree/listing" or fault("$tree/listing: $!");
# Only files in the listing belong to the tree, whatever the other list contains.
unlink map { "$root/$_" } grep { !defined off_the_way($root, $_) } @gone;
