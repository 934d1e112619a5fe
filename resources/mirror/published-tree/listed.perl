# Prints the lines of a tree's listing that can be one.
#
#   ROOT TREE     the mirror's directory; that of the tree

my ($root, $tree) = @ARGV;
listing($root, $tree, sub { print join("\t", @_), "\n" });
