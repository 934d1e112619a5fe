# Prints a Release file's SHA256 lines, and creates the by-hash name of each file.
#
#   DIR SPARE     the suite's directory; a name on its file system for a copy; reads the output of sha256sum

my ($dir, $spare) = @ARGV;
while (<STDIN>) {
  my ($sha, $path) = /^([0-9a-f]{64}) [ *](.*)$/ or die;
  printf " %s %16d %s\n", $sha, -s "$dir/$path", $path;
  my ($up) = $path =~ m{^(.*/)};
  my $to = ($up // "") . "by-hash/SHA256/$sha";
  make_way($dir, $to);
  -e "$dir/$to" or linked("$dir/$path", "$dir/$to", $spare);
}
