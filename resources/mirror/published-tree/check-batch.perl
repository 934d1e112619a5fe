# Moves correct files into the store. Writes for each other file a line in WORK/again (sha256 TAB size TAB path, and TAB class
# if a retry may help; see why-not.perl) and one in WORK/faults.
#
#   BATCH WORK STORE     lines of sha256 TAB size TAB path; WORK contains the digests of the arrived files in `sums`, and curl's `report`

my ($batch, $work, $store) = @ARGV;
my (%sum, %report);

# curl does not report why it could not write. Undefined if writing works now.
sub unwritable {
  my $probe = "$work/partial/probe";
  my ($text, $put, $why) = ("0" x 1048576, 0);
  open my $out, ">", $probe or return "$probe: $!";
  while (!defined $why && $put < length $text) {
    my $more = syswrite $out, $text, length($text) - $put, $put;
    if (defined $more) { $put += $more } else { $why = "$probe: $!" }
  }
  close $out;
  unlink $probe;
  return $why;
}

open my $sums, "<", "$work/sums" or die;
while (<$sums>) { $sum{$2} = $1 if /^\\?([0-9a-f]{64}) [ *](.*)$/ }
open my $report, "<", "$work/report" or die;
while (<$report>) {
  chomp;
  my ($code, $http, $file, @more) = split /\t/, $_, 6;
  $file =~ s{.*/}{};
  $report{$file} = [$code, $http, @more];
}
open my $in, "<", $batch or die;
open my $again, ">>", "$work/again" or die;
open my $faults, ">>", "$work/faults" or die;
while (<$in>) {
  chomp;
  my ($sha, $size, $path) = split /\t/;
  my $partial = "$work/partial/$sha";
  if (($sum{$sha} // "") eq $sha && (-s $partial // 0) != $size) {
    my $bytes = -s $partial // 0;
    print $faults "fault $path: has the SHA-256 of the signed index, but $bytes bytes instead of $size\n";
    print $again "$sha\t$size\t$path\n";
    unlink $partial;
    next;
  }
  if (($sum{$sha} // "") eq $sha) {
    my $dir = "$store/" . substr($sha, 0, 2);
    make_way($store, substr($sha, 0, 2) . "/$sha");
    chmod 0644, $partial;
    # Damage is detected by size and second of modification: a change in the second of the arrival must be detected, too.
    utime time - 2, time - 2, $partial;
    next if rename $partial, "$dir/$sha";
    print $faults "fault $path: cannot be moved into the store: $!\n";
    print $again "$sha\t$size\t$path\n";
    next;
  }
  my ($code, $http) = @{ $report{$sha} // [] };
  my $got = -e $partial ? (-s $partial // 0) : undef;
  my ($why, $class) = why_not($report{$sha} // [], $size, $got, $path);
  my $larger = defined $got && $got > $size || ($code // 0) == 63 || ($code // 0) == 23 && defined $got && $got >= $size;
  if ($larger) {
    ($why, $class) = ("is larger than the $size bytes that the signed index says", "spoiled") if ($why // "") !~ /web page/;
  }
  elsif (($code // 0) == 23 && defined(my $reason = unwritable())) {
    ($why, $class) = ("cannot be written: $reason", "final");
  }
  $class //= "spoiled";
  $why //=
      !defined $got ? "nothing arrived"
    : $got < $size ? "is truncated: $got of $size bytes"
    : "its SHA-256 is $sum{$sha}, and the signed index says $sha";
  # A partial file starts again if the server says that it is complete, if it has the expected size, or if it cannot be
# resumed (33, 416).
  unlink $partial if defined $got && ($got >= $size || ($code // 0) == 0 || $code == 33 || ($http // "") eq "416");
  print $faults "fault $path: $why\n";
  print $again "$sha\t$size\t$path\t$class\n";
}
close $faults && close $again or fault("$work/faults: $!");
