# Prints a configuration of curl to fetch the files of a batch.
#
#   BATCH PARTIAL UPSTREAM     lines of sha256 TAB size TAB path; the target directory; the base URL, ends in /

use strict;

my ($batch, $partial, $upstream) = @ARGV;
open my $in, "<", $batch or die "$batch: $!";
while (<$in>) {
  chomp;
  my ($sha, $size, $path) = split /\t/;
  $path =~ s{([^A-Za-z0-9/._-])}{sprintf "%%%02X", ord $1}ge;
  print "url = \"$upstream$path\"\noutput = \"$partial/$sha\"\n";
}
