# Prints what a file system takes of what is to be fetched: bytes in whole blocks, without what is there in part, and files.
#
#   LIST PARTIAL BLOCK     sha256 TAB size TAB path a line; the directory of partial files; bytes of a block

use strict;

my ($list, $partial, $block) = @ARGV;
my ($bytes, $files) = (0, 0);
open my $in, "<", $list or die "$list: $!";
while (<$in>) {
  my ($sha, $size) = split /\t/;
  $files++;
  my $left = $size - (-s "$partial/$sha" // 0);
  $bytes += $block * int(($left + $block - 1) / $block) if $left > 0;
}
printf "%.0f %d\n", $bytes, $files;
