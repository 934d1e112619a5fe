# Creates destinations of a work list as hard links into the store; see link_from_store in tree.sh.
#
#   ROOT STORE LIST PREFIX BASE WORK MADE     MADE may be empty

my ($root, $store, $list, $prefix, $base, $work, $made) = @ARGV;
my %content;
open my $new_paths, ">", length $made ? $made : "/dev/null" or fault("$made: $!");
$base =~ s{^\Q$root\E/}{} && sane($base) or fault("$base: is not in $root");
open my $in, "<", $list or fault("$list: $!");
while (<$in>) {
  chomp;
  my ($sha, $size, $path, $dest) = split /\t/, $_, 4;
  next unless $dest =~ s{^\Q$prefix\E/}{};
  my $from = "$store/" . substr($sha, 0, 2) . "/$sha";
  my $to = "$root/$base/$dest";
  sane($dest) or fault(shown($to) . ": is outside of $root");
  my @from = lstat $from or fault("$dest: is not in the store: $from: $!");
  -f _ or fault("$from: is not a file");
  $from[7] == $size or fault("$dest: has $size bytes in the plan, but the file with its SHA-256 has $from[7]: $from");
  make_way($root, "$base/$dest");
  my @to = lstat $to;
  next if @to && $to[0] == $from[0] && $to[1] == $from[1];
  if (!@to) {
    print $new_paths "$base/$dest\0";
    linked($from, $to, "$work/spare");
    next;
  }
  -f _ || -l _ or fault("$to: must be a file, but is something else");
  # A file that was uploaded again is a new file, and a file with too many links is a copy.
  my $is = -f _ ? $content{"$to[0] $to[1]"} //= digest_of($to) : "";
  next if $is eq $sha && $from[3] > 1 && $to[7] == $size && $to[3] > 1;
  # A temporary name beside it might be another destination.
  my $new = "$work/linked";
  unlink $new;
  linked($from, $new, "$work/spare");
  rename $new, $to or fault("$to: $!");
}
