# Refuses symbolic links that were not created by a mirror; see refuse_links in guard.sh.
#
#   ROOT     reads find's %p and %l, each followed by a NUL

my ($root) = @ARGV;
my $link;
local $/ = "\0";
while (<STDIN>) {
  chomp;
  if (!defined $link) { $link = $_; next }
  my ($at, $to) = ($link, $_);
  undef $link;
  my $below = $at;
  $below =~ s{^\Q$root\E/}{};
  next if $below =~ m{^current(\.new)?\z} && $to =~ m{^trees/[0-9]{6,}-[0-9a-f]{12}\z};
  if ($below =~ m{^(?:trees|work|reprepro)/(?:.*/)?pool\z}s && (my ($ups, $rest) = $to =~ m{^((?:\.\./)+)(pool[^/]*(?:/.+)?)\z})) {
    next if sane($rest) && ($ups =~ tr{/}{}) == ($below =~ tr{/}{});
  }
  fault(shown($at) . ": is a symbolic link to " . shown($to)
      . ", and nothing is written or removed through one: put a directory or file in its place");
}
