# Links files of an older tree into a newer one where they are missing, except those that the older one carried. Prints
# their paths.
#
#   OLDER NEWER WORK     public/ of the trees; reads paths below OLDER, each followed by a NUL

my ($older, $newer, $work) = @ARGV;
my %skip;
if (open my $in, "<", "$older/../carried") {
  while (<$in>) { chomp; $skip{$_} = 1 }
}
local $/ = "\0";
while (<STDIN>) {
  chomp;
  next if $skip{$_} || !sane($_) || lstat "$newer/$_" or defined off_the_way($newer, $_, 1);
  linked("$older/$_", "$newer/$_", "$work/spare");
  print "$_\n";
}
