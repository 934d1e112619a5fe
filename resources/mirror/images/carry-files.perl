# Links files of an older tree into a new one where they are missing, except its indices (streams/), files that it carried
# itself and damaged ones. Prints sha256 TAB path below public/ of each.
#
#   ROOT OLDER NAME PUBLIC DAMAGED WORK     the older tree's directory and name; the new one's public/; lines of paths below ROOT

my ($root, $older, $name, $public, $damaged, $work) = @ARGV;
my $prefix = "trees/$name/public/";
my %skip;

sub each_line {
  my ($file, $do) = @_;
  open my $in, "<", $file or return;
  while (<$in>) { chomp; $do->() }
}

sub carry {
  my ($sha, undef, undef, $path) = @_;
  return if $skip{$path} || $path !~ s{^\Q$prefix\E}{} || $path =~ m{^streams/};
  # A file in one of the trees may be a directory in the other.
  return if lstat "$public/$path" or defined off_the_way($public, $path, 1);
  linked("$older/public/$path", "$public/$path", "$work/spare");
  print "$sha\t$path\n";
}

each_line("$older/carried", sub { $skip{$prefix . ((split /\t/, $_, 2)[1] // "")} = 1 });
each_line($damaged, sub { $skip{$_} = 1 });
listing($root, $older, \&carry);
