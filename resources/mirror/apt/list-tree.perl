# Prints the files of a tree whose digests the job knows: sha256 TAB path below ROOT. The paths of the other files, each
# followed by a NUL, go to UNKNOWN.
#
#   ROOT TREE KNOWN UNKNOWN     the tree's name; lines of sha256 TAB path below public/

use strict;

my ($root, $tree, $known, $unknown) = @ARGV;
my $public = "trees/$tree/public";
my %sha;
open my $in, "<", $known or die "$known: $!\n";
while (<$in>) {
  chomp;
  my ($sha, $path) = split /\t/, $_, 2;
  my @at = stat "$root/$public/$path";
  $sha{"$at[0]:$at[1]"} = $sha if @at;
}
open my $find, "-|", "find", "$root/$public", "-type", "f", "-printf", "%P\\0" or die "find: $!\n";
open my $out, ">", $unknown or die "$unknown: $!\n";
local $/ = "\0";
while (my $path = <$find>) {
  chomp $path;
  my @at = stat "$root/$public/$path";
  my $sha = $sha{"$at[0]:$at[1]"};
  if ($sha) { print "$sha\t$public/$path\n" } else { print $out "$public/$path\0" }
}
