# Prints digests of a suite's files as sha256sum does, where they are known; the paths of the others, each with a NUL behind
# it, go to standard error.
#
#   SUITE KNOWN     sha256 TAB path below public/ a line; reads paths below the suite's directory

use strict;

my ($suite, $known) = @ARGV;
my %sum;
if (open my $in, "<", $known) {
  while (<$in>) {
    chomp;
    my ($sha, $path) = split /\t/, $_, 2;
    $sum{$path} = $sha;
  }
}
while (<STDIN>) {
  chomp;
  my $sha = $sum{"dists/$suite/$_"};
  if ($sha) { print "$sha  $_\n" } else { print STDERR "$_\0" }
}
