# Prints the upstream files of a work list that the store lacks, once each: sha256 TAB size TAB path.
#
#   STORE LIST

my ($store, $list) = @ARGV;
my (%seen, $lost);
open my $in, "<", $list or die "$list: $!";
while (<$in>) {
  chomp;
  my ($sha, $size, $path, $dest) = split /\t/, $_, 4;
  next if $seen{$sha}++;
  my $kept = "$store/" . substr($sha, 0, 2) . "/$sha";
  my $have = -s $kept;
  next if -e _ && ($have // 0) == $size;
  # A digest has one size: either the list or the file is wrong.
  if (-e _ && digest_of($kept) eq $sha) {
    print STDERR "fault $dest: must have $size bytes, but the file with its SHA-256 has " . ($have // 0) . "\n";
    $lost = 1;
    next;
  }
  if ($path eq "-") {
    print STDERR "fault $dest: must be uploaded with the job, but is not in the store\n";
    $lost = 1;
    next;
  }
  print "$sha\t$size\t$path\n";
}
exit($lost ? 65 : 0);
