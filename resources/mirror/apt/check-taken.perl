# Compares the indices that reprepro made of one suite with the plan, since clients read these.
#
#   SUITE CANDIDATES DISTS TAKEN     as take-index.perl wrote them; dists/SUITE as reprepro wrote it; where to write
#
# Writes each package file once: sha256 TAB size TAB path in the pool. Prints errors in lines that start with "fault ",
# and then exits with 65.

my ($suite, $candidates, $dists, $taken) = @ARGV;
my (%may, %wanted, %written, $faults);

sub fault { print "fault $suite/$_[0]\n" if $faults++ < 10 }

open my $in, "<", $candidates or die "$candidates: $!\n";
while (<$in>) {
  chomp;
  my ($part, $name, $sha, $size, $path) = split /\t/, $_, 5;
  $may{$part}{"$name\t$sha\t$size\t$path"} = 1;
  $wanted{$part}{$name} = 1;
}
close $in;

# The files of a stanza: sha256 TAB size TAB path. Dies with the error, if any.
sub files_in {
  my ($stanza, $value, $part) = @_;
  return join "\t", lc($value->{sha256} // ""), $value->{size} // "", $value->{filename} // "" if $part !~ m{/Sources$};
  return map { join "\t", $_->[2]{sha256}, $_->[1], ($value->{directory} // "") . "/$_->[0]" } source_files_of($stanza);
}

open my $out, ">", $taken or die "$taken: $!\n";
open my $found, "-|", "find", $dists, "-type", "f", "(", "-name", "Packages", "-o", "-name", "Sources", ")", "-printf", '%P\n' or die "find: $!\n";
chomp(my @parts = <$found>);
for my $part (sort @parts) {
  my $may = $may{$part} // {};
  my $wanted = delete $wanted{$part} // {};
  open my $index, "<", "$dists/$part" or die "$part: $!\n";
  local $/ = "";
  while (my $stanza = <$index>) {
    chomp $stanza;
    my ($value, @files);
    eval { $value = fields_of($stanza); @files = files_in($stanza, $value, $part); 1 } or do {
      chomp(my $wrong = $@);
      fault("$part: reprepro made a stanza that $wrong");
      next;
    };
    my $name = $value->{package} // "";
    if (!delete $wanted->{$name}) { fault("$part: reprepro lists the package $name twice, or without a source"); next }
    for my $file (@files) {
      if (!$may->{"$name\t$file"}) { fault("$part: reprepro's package $name differs from the plan ($file)"); next }
      print $out "$file\n" if !$written{$file}++;
    }
  }
  fault("$part: the package $_ is planned, but reprepro did not include it") for sort keys %$wanted;
}
for my $part (sort keys %wanted) { fault("$part: is planned, but reprepro did not make it") if %{ $wanted{$part} } }
close $out or die "$taken: $!\n";
exit 65 if $faults;
