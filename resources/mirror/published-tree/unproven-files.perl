# Prints what of a work list is in the store and not vouched for, as paths below the store, each with a NUL behind it.
#
#   STORE LIST LISTING     what the published tree lists, or a file that is not there

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
