# Prints the valid lines of a tree's listing.
#
#   ROOT TREE     the mirror's directory; the tree's directory

my ($root, $tree) = @ARGV;
listing($root, $tree, sub { print join("\t", @_), "\n" });
