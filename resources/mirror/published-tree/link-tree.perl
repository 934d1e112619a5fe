# Creates directories in NEW and hard links to the files of OLD; see link_tree in tree.sh.
#
#   OLD NEW WORK     reads find's %y and %P, each path followed by a NUL

my ($old, $new, $work) = @ARGV;
-d $new or mkdir $new, 0755 or fault("$new: $!");
local $/ = "\0";
while (<STDIN>) {
  chomp;
  my ($type, $path) = /^(.)(.*)$/s;
  sane($path) or fault(shown($path) . ": is not a valid name in a snapshot");
  if ($type eq "d") { -d "$new/$path" or mkdir "$new/$path", 0755 or fault("$new/$path: $!") }
  elsif ($type eq "l") { symlink readlink("$old/$path"), "$new/$path" or fault("$new/$path: $!") }
  else { linked("$old/$path", "$new/$path", "$work/spare") }
}
