# Prints known digests of a suite's files in the format of sha256sum. The paths of the other files, each followed by a NUL,
# go to standard error.
#
#   SUITE KNOWN     lines of sha256 TAB path below public/; reads paths below the suite's directory

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
