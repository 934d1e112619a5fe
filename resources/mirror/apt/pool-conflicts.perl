# Exits with 3 if files conflict with files that kept trees list in a pool; otherwise removes other conflicting files. See
# pool_conflicts in pools.sh.
#
#   STORE ROOT LIST POOL KEPT     the new files, as a work list; the pool's name; lines of kept trees' listings

use File::Path qw(remove_tree);

my ($store, $root, $list, $pool, $kept) = @ARGV;
my (%listed, %above, %seen, @obstacles);
open my $in, "<", $kept or fault("$kept: $!");
while (<$in>) {
  chomp;
  my ($sha, undef, undef, $path) = split /\t/, $_, 4;
  $path =~ s{^\Q$pool\E/}{} or next;
  $listed{$path} = exists $listed{$path} && $listed{$path} ne $sha ? "several" : $sha;
  while ($path =~ s{/[^/]*\z}{}) { last if $above{$path}++ }
}
open $in, "<", $list or fault("$list: $!");
while (<$in>) {
  chomp;
  my ($sha, undef, undef, $path) = split /\t/, $_, 4;
  next unless $path =~ s{^pool/}{};
  sane($path) or fault("pool/" . shown($path) . ": is outside of the pool");
  exit 3 if $above{$path};
  for (my $dir = $path; $dir =~ s{/[^/]*\z}{}; ) {
    exit 3 if exists $listed{$dir};
    last if $seen{$dir}++;
    push @obstacles, "$root/$pool/$dir" if lstat "$root/$pool/$dir" and !-d _;
  }
  my @there = lstat "$root/$pool/$path";
  push @obstacles, "$root/$pool/$path" if @there && (-d _ || -l _);
  next if !exists $listed{$path} || $listed{$path} eq $sha;
  my @stored = lstat "$store/" . substr($sha, 0, 2) . "/$sha" or fault("$sha: is not in the store");
  exit 3 if !@there || $there[0] != $stored[0] || $there[1] != $stored[1];
}
remove_tree($_) for @obstacles;
