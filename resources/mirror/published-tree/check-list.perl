# Refuses a work list with destinations outside of the mirror's directories, or with contradictions.
#
#   LIST DESTINATIONS     the first parts that its destinations may have, separated by blanks

my ($list, $destinations) = @ARGV;
my (%size, %at, %dir, @wrong);
my %known = map { $_ => 1 } split / /, $destinations;
open my $in, "<", $list or fault("$list: $!");
while (my $line = <$in>) {
  my $wrong = sub { push @wrong, "the work list, line $.: $_[0]" };
  my ($sha, $size, $from, $to) = $line =~ m{^([^\t\n]*)\t([^\t\n]*)\t([^\t\n]*)\t([^\t\n]*)\n\z}
    or $wrong->("does not have four fields: " . shown($line)), next;
  if ($sha !~ m{^[0-9a-f]{64}\z}) { $wrong->(shown($sha) . " is not a valid SHA-256"); next }
  if ($size !~ m{^(0|[1-9][0-9]{0,14})\z}) { $wrong->(shown($size) . " is not a valid size"); next }
  if ($from ne "-" && !sane($from)) { $wrong->(shown($from) . " is not a valid path below upstream"); next }
  my ($word) = $to =~ m{^([a-z]+)/};
  if (!sane($to) || !$known{ $word // "" }) {
    $wrong->(shown($to) . " is outside of the mirror's directories ($destinations)");
    next;
  }
  if (defined $size{$sha} && $size{$sha} != $size) {
    $wrong->("$to: $sha has $size bytes here, but $size{$sha} in another line");
    next;
  }
  if (defined $at{$to} && $at{$to} ne $sha) { $wrong->("$to: has two contents: $at{$to} and $sha"); next }
  $size{$sha} = $size;
  $at{$to} = $sha;
  for (my $dir = $to; $dir =~ s{/[^/]*\z}{}; ) { last if $dir{$dir}++ }
}
push @wrong, map { "the work list: $_ is both a file and a directory" } grep { $dir{$_} } sort keys %at;
if (@wrong) {
  print STDERR "fault $_\n" for splice @wrong, 0, 20;
  print STDERR "fault ... and " . @wrong . " more\n" if @wrong;
  exit 65;
}
