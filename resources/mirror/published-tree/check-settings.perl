# Refuses directories and names of suites that this project would never pass to a job.
#
#   ROOT STORE WORK SUITES     the suites separated by blanks

my ($root, undef, $work, $suites) = @ARGV;
for (@ARGV[0 .. 2]) {
  (my $plain = $_) =~ tr/ /_/;
  $plain =~ s{^/}{} && sane($plain) or fault("the job's settings: " . shown($_) . " is not a valid directory");
}
$work eq "$root/work" or fault("the job's settings: $work is not in $root");
sane($_) or fault("the job's settings: " . shown($_) . " is not a valid name of a suite") for split / /, $suites;
