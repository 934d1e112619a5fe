# Prints the files of a work list that are in the store but in no listing, as paths below the store, each followed by a NUL.
#
#   STORE LIST LISTING     the published tree's listing, or a missing file

use strict;

my ($store, $list, $listing) = @ARGV;
my %seen;
if (open my $in, "<", $listing) {
  while (<$in>) {
    my ($sha, $size) = split /\t/;
    my $at = "$store/" . substr($sha, 0, 2) . "/$sha";
    $seen{$sha} = 1 if (-s $at // 0) == $size;
  }
}
open my $in, "<", $list or die "$list: $!";
while (<$in>) {
  my $sha = substr $_, 0, 64;
  next if $seen{$sha}++;
  my $path = substr($sha, 0, 2) . "/$sha";
  print "$path\0" if -e "$store/$path";
}
