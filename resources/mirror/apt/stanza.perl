# Reads stanzas of package indices strictly: ambiguous stanzas are refused. Precedes the programs that read indices on a
# mirror's host.

use strict;
use warnings;

# Every fatal error of a program becomes a line of the job's output.
$SIG{__DIE__} = sub { die @_ if !defined $^S || $^S; print "fault $_[0]"; exit 65 };

# Fields with one value: reprepro, apt and dpkg interpret a second line differently.
my @single = qw(package source version architecture filename directory size md5sum sha1 sha256 sha512 section priority
  essential multi-arch phased-update-percentage);
my $single = join "|", @single;
my $field_begins = qr/[!"\$-,.-9;-~][!-9;-~]*:/;

# The first line of each field of a stanza, by its name in lower case. Dies with the error, if any.
sub fields_of {
  my ($stanza) = @_;
  die "has a NUL character\n" if index($stanza, "\0") >= 0;
  if ($stanza =~ /^(?!$field_begins|[ \t]+[^ \t\r\n])([^\n]*)/mo) {
    die $1 =~ /^[ \t\r]*$/ ? "has a line of blanks only\n" : "has an invalid line\n";
  }
  die "begins with a continuation line\n" if $stanza =~ /^[ \t]/;
  die "has a \L$1\E with a second line\n" if index($stanza, "\n ") + index($stanza, "\n\t") > -2 && $stanza =~ /^($single):[^\n]*\n[ \t]/mio;
  my @found = $stanza =~ /^([^ \t:][^:\n]*):[ \t]*([^\n]*)/mg;
  my (%value, $name);
  while (@found) {
    $name = lc shift @found;
    die "has $name twice\n" if exists $value{$name};
    $value{$name} = shift @found;
  }
  # Few stanzas have a control character or a trailing blank: these two checks cost a fraction of the loop.
  return \%value if !($stanza =~ tr/\x01-\x09\x0b-\x1f\x7f//) && index("$stanza\n", " \n") < 0;
  for (grep { defined } @value{@single}) {
    $_ = /^(.*[^ \t])/s ? $1 : "";
    die "has a control character in a field with one value\n" if /[\x00-\x1f\x7f]/;
  }
  return \%value;
}

# Whether a path stays below its start directory.
sub is_sane_path { return "/$_[0]/" !~ m{/\.{0,2}/} && !($_[0] =~ tr/\x00-\x1f\x7f//) }

# The files in a stanza of a Sources index: [name, size, { digests by algorithm }] for each. Dies if its lists differ.
sub source_files_of {
  my ($stanza) = @_;
  my %file;
  for (["files", "md5", 32], ["checksums-sha1", "sha1", 40], ["checksums-sha256", "sha256", 64]) {
    my ($field, $algorithm, $digits) = @$_;
    my ($lines) = $stanza =~ /^$field:([^\n]*(?:\n[ \t][^\n]*)*)/mi;
    for my $line (grep { /\S/ } split /\n/, $lines // "") {
      my ($digest, $size, $name) = $line =~ /^\s*([0-9a-fA-F]{$digits})\s+(\d{1,15})\s+([^\s\/]+)\s*$/
        or die "has an invalid line in $field\n";
      my $known = $file{$name} //= [$name, $size, {}];
      die "has two sizes for $name\n" if $known->[1] != $size;
      die "has $name twice in $field\n" if exists $known->[2]{$algorithm};
      $known->[2]{$algorithm} = lc $digest;
    }
  }
  for (values %file) { die "has no SHA-256 of $_->[0]\n" if !$_->[2]{sha256} }
  return sort { $a->[0] cmp $b->[0] } values %file;
}

# Where reprepro stores the files of a source package (calc_sourcedir of its source): pool/COMPONENT/PREFIX/SOURCE.
sub pool_directory {
  my ($component, $source) = @_;
  my $prefix = substr $source, 0, $source =~ /^lib./ ? 4 : 1;
  return "pool/$component/$prefix/$source";
}

# A name that may contain slashes, as one part of a path, like pathPart of content/apt/index-key.ts.
sub one_part { my ($name) = @_; $name =~ tr{/}{:}; return $name }
