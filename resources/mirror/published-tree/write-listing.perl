# Prints the files of a tree, compared with its work list; see write_listing in tree.sh.
#
#   ROOT STORE FILES LIST DIR AS     FILES: lines of sha256 TAB path below ROOT; LIST may be empty; the tree's name, and its later one

my ($root, $store, $files, $list, $dir, $as) = @ARGV;
my (%line, %size, %listed, %content);
if (length $list) {
  open my $in, "<", $list or fault("$list: $!");
  while (<$in>) {
    chomp;
    my ($sha, $size, undef, $to) = split /\t/, $_, 4;
    $size{$sha} = $size;
    $listed{$sha} = $to if $to =~ m{^(tree|pool|package)/};
  }
}
open my $in, "<", $files or fault("$files: $!");
while (<$in>) {
  chomp;
  my ($sha, $path) = split /\t/, $_, 2;
  $sha =~ m{^[0-9a-f]{64}\z} && sane($path) or fault(shown($path) . ": cannot be a file of a snapshot");
  my $wrong = off_the_way($root, $path);
  fault($wrong) if defined $wrong;
  my @at = lstat "$root/$path" or fault("$path: $!");
  -f _ or fault("$path: is not a file");
  if (defined(my $size = $size{$sha})) {
    $at[7] == $size or fault("$path: has $size bytes in the plan, but would be published with $at[7]");
    my @kept = lstat "$store/" . substr($sha, 0, 2) . "/$sha";
    # Files in the store were checked when they were added, or at the start of this job.
    if (!@kept || $kept[0] != $at[0] || $kept[1] != $at[1]) {
      ($content{"$at[0] $at[1]"} //= digest_of("$root/$path")) eq $sha or fault("$path: differs from the plan");
    }
  }
  delete $listed{$sha};
  $path =~ s{^trees/\Q$dir\E/}{trees/$as/};
  $line{$path} = "$sha\t$at[7]\t$at[9]\t$path\n";
}
for (sort values %listed) { fault("$_: is planned, but not in the snapshot") }
print $line{$_} for sort keys %line;
