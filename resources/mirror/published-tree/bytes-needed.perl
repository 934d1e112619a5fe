# Prints the space that files to fetch need: bytes in whole blocks, without partial files, and the number of files.
#
#   LIST PARTIAL BLOCK     lines of sha256 TAB size TAB path; the directory of partial files; bytes of a block

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
