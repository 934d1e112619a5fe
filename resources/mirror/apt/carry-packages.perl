# Links files that kept trees list in other pools into this one, where they are missing.
#
#   ROOT POOL WORK     reads lines of listings

my ($root, $pool, $work) = @ARGV;
while (<STDIN>) {
  chomp;
  my (undef, $size, undef, $path) = split /\t/, $_, 4;
  my ($from, $below) = $path =~ m{^(pool[^/]*)/(.*)}s or next;
  next if $from eq $pool || defined off_the_way($root, $path) || lstat "$root/$pool/$below";
  my @at = lstat "$root/$path" or next;
  next if !-f _ || $at[7] != $size || defined off_the_way($root, "$pool/$below", 1);
  linked("$root/$path", "$root/$pool/$below", "$work/spare");
}
