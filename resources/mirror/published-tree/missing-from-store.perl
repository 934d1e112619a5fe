# Reads lines of `sha256 size`, and prints the line number of each that the store lacks, with its bytes in whole blocks,
# without the bytes that an interrupted update has already fetched.
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
