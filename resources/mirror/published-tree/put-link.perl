# Creates a hard link to a file at a path below ROOT, and replaces an existing file.
#
#   FILE ROOT PATH WORK

my ($from, $root, $path, $work) = @ARGV;
sane($path) or fault(shown($path) . ": is outside of $root");
make_way($root, $path);
my $new = "$work/linked";
unlink $new;
linked($from, $new, "$work/spare");
rename $new, "$root/$path" or fault("$path: $!");
# rename(2) does nothing if both names are links to the same file.
unlink $new;
