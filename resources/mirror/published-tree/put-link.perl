# Puts a hard link to a file at a path below ROOT, in place of what is there.
#
#   FILE ROOT PATH WORK

my ($from, $root, $path, $work) = @ARGV;
sane($path) or fault(shown($path) . ": leads out of $root");
make_way($root, $path);
my $new = "$work/linked";
unlink $new;
linked($from, $new, "$work/spare");
rename $new, "$root/$path" or fault("$path: $!");
# Two links to one file stay two.
unlink $new;
