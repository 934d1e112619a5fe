# Reads `sha256 size` a line, and prints the number of each that the store lacks, with its bytes in whole blocks, less what an
# update that was cut off has fetched of it.
#
#   STORE PARTIAL     the directory of partial files

use strict;

my ($store, $partial) = @ARGV;
while (<STDIN>) {
  my ($sha, $size) = /^([0-9a-f]{64}) ([0-9]+)$/ or next;
  my $have = -s "$store/" . substr($sha, 0, 2) . "/$sha";
  next if -e _ && ($have // 0) == $size;
  my $left = $size - (-s "$partial/$sha" // 0);
  printf "%d %.0f\n", $., $left > 0 ? 4096 * int(($left + 4095) / 4096) : 0;
}
