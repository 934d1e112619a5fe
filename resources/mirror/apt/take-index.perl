# Writes reprepro's input for one suite: the planned part of upstream's indices, with each stanza read strictly and compared
# with the work list, sorted by name. reprepro walks its list again for each step backwards, so the order matters.
#
#   LIST SUITE STORE VIEW NOTES [complete]     the last argument offers phased updates to every machine
#
# Creates VIEW/dists/SUITE with an unsigned Release, and in NOTES:
#   checksums    of every package file, in the format of reprepro's _addchecksums
#   candidates   INDEX TAB name TAB sha256 TAB size TAB path in the pool, for each planned file of an index
# Prints errors in lines that start with "fault ", and then exits with 65.

use Fcntl qw(SEEK_SET);

my ($list, $suite, $store, $view, $notes, $phases) = @ARGV;
my $key = one_part($suite);
my (%planned, %names, @indices, $header);

sub in_store { my ($sha) = @_; return "$store/" . substr($sha, 0, 2) . "/$sha" }
sub decoded { my ($part) = @_; $part =~ tr{:}{/}; return $part }
sub names_in { my ($sha) = @_; open my $in, "<", in_store($sha) or die "$sha: $!\n"; return map { chomp; ($_ => 1) } <$in> }
# Components, and suites, are processed in parallel.
sub parents { my ($path) = @_; my ($dir) = $path =~ m{^(.*)/}; return if -d $dir; parents($dir); mkdir $dir, 0755 or -d $dir or die "$dir: $!\n" }

open my $lines, "<", $list or die "$list: $!\n";
while (<$lines>) {
  chomp;
  my ($sha, $size, undef, $to) = split /\t/, $_, 4;
  if ($to =~ m{^package/(.*)}s) { $planned{$1} = "$sha $size" }
  elsif ($to =~ m{^index/\Q$key\E/([^/]+)/(binary|installer|sources|local)-([^/]+)/([^/]+)$}) {
    push @indices, { sha => $sha, component => decoded($1), kind => $2, architecture => $3, file => $4 };
  }
  elsif ($to =~ m{^selection/\Q$key\E/([^/]+/[^/]+)$}) { $names{"binary $1"} = { names_in($sha) } }
  elsif ($to eq "sources/$key") { $names{sources} = { names_in($sha) } }
  elsif ($to eq "headers/$key") { $header = $sha }
}
close $lines;
die "$suite: the work list has no files of it\n" if !defined $header;
open my $head, "<", in_store($header) or die "$header: $!\n";
my %head = map { /^([^:]+): (.*)$/ ? (lc $1 => $2) : () } <$head>;
my @components = split / /, $head{components} // "";
my @architectures = split / /, $head{architectures} // "";

my ($checksums, $candidates, %content_of, $faults);

sub fault {
  my ($where, $name, $wrong, $remedy) = @_;
  $name = substr $name, 0, 80;
  $name =~ s/[^ -~]/?/g;
  print "fault $where: the package $name $wrong", ($remedy ? ": $remedy" : ""), "\n" if $faults++ < 10;
}

my $leave_out = "name it in filter.exclude, or set signing: upstream";

# A file of a package, at its path in reprepro's pool, which never has other content. Digest and size are those of the
# plan.
sub register {
  my ($path, $content, $digest) = @_;
  my $known = $content_of{$path};
  die "would be at $path, but the mirror already has another file there ($leave_out)\n" if defined $known && $known ne $content;
  return if defined $known;
  $content_of{$path} = $content;
  my ($sha, $size) = split / /, $content;
  print $checksums join(" ", $path, ($digest->{sha1} ? ":1:$digest->{sha1}" : ()), ":2:$sha", $digest->{md5} || "-", $size), "\n";
}

# The name and the file of a stanza of a Packages index. Nothing if it is not planned.
sub taken_binary {
  my ($stanza, $index) = @_;
  # Up to the last character that is not a blank: an expression for trailing blanks would try every row of blanks.
  my ($path) = $stanza =~ /^filename:[ \t]*+(?:\.\/)?([^\n]*[^ \t\n])/mi;
  return if !defined $path || !exists $planned{$path};
  my $value = fields_of($stanza);
  my ($name, $version, $architecture, $size) = map { $value->{$_} // "" } qw(package version architecture size);
  die "has an invalid Filename\n" if !is_sane_path($path);
  die "has an invalid Size\n" if $size !~ /^\d{1,15}$/;
  my %digest = (sha256 => lc($value->{sha256} // ""), sha1 => lc($value->{sha1} // ""), md5 => lc($value->{md5sum} // ""));
  my ($sha, $bytes) = split / /, $planned{$path};
  die "has another SHA256 than planned for $path\n" if $digest{sha256} ne $sha;
  die "has $size bytes, but $bytes are planned for $path\n" if $size != $bytes;
  my ($source) = ($value->{source} // $name) =~ /^(\S*)/;
  check_name("Package", $name);
  check_name("Source", $source);
  check_version($version);
  die "has another architecture than its index\n" if $architecture ne "all" && $architecture ne $index->{architecture};
  die "has an invalid MD5sum or SHA1\n" if $digest{md5} !~ /^([0-9a-f]{32})?$/ || $digest{sha1} !~ /^([0-9a-f]{40})?$/;
  $version =~ s/^\d+://;
  my $type = $index->{kind} eq "installer" ? "udeb" : "deb";
  my $place = pool_directory($index->{component}, $source) . "/${name}_${version}_$architecture.$type";
  register($place, $planned{$path}, \%digest);
  return [$name, [$sha, $size, $place]];
}

sub taken_source {
  my ($stanza, $index) = @_;
  my $value = fields_of($stanza);
  my ($name, $directory) = map { $value->{$_} // "" } qw(package directory);
  $directory =~ s{^\./}{};
  my @files = source_files_of($stanza);
  my @paths = map { $directory eq "" || $directory eq "." ? $_->[0] : "$directory/$_->[0]" } @files;
  return if !@files || grep { !exists $planned{$_} } @paths;
  die "has an invalid Directory\n" if grep { !is_sane_path($_) } @paths;
  check_name("Package", $name);
  check_version($value->{version} // "");
  my @taken;
  for my $file (@files) {
    my $content = $planned{shift @paths};
    my ($sha, $bytes) = split / /, $content;
    die "has another SHA-256 than planned for $file->[0]\n" if $file->[2]{sha256} ne $sha;
    die "has $file->[1] bytes for $file->[0], but $bytes are planned\n" if $file->[1] != $bytes;
    my $place = pool_directory($index->{component}, $name) . "/$file->[0]";
    register($place, $content, $file->[2]);
    push @taken, [$sha, $bytes, $place];
  }
  return [$name, @taken];
}

# reprepro's rules (names.c of its source). reprepro itself would report a violation only after a part of the work.
sub check_name {
  my ($field, $name) = @_;
  die "has a $field that reprepro refuses ($leave_out)\n" if $name !~ /^[a-z0-9][a-z0-9+.-]*$/;
}
sub check_version { die "has a Version that reprepro refuses ($leave_out)\n" if $_[0] !~ /^(?:\d+:)?[A-Za-z0-9][A-Za-z0-9.+~:-]*$/ }

my %unpack = (xz => ["xz", "-dc"], gz => ["gzip", "-dc"], bz2 => ["bzip2", "-dc"], zst => ["zstd", "-qdc"]);

# Every index that reprepro may read, and its sources. Packages for all architectures are in the index of each architecture.
my %parts;
for my $component (@components) {
  $parts{"$component/source/Sources"} = [];
  $parts{"$component/$_/Packages"} = [] for map { ("binary-$_", "debian-installer/binary-$_") } @architectures;
}
for my $index (@indices) {
  my ($component, $kind, $architecture) = @$index{qw(component kind architecture)};
  my @into =
      $kind eq "sources" ? "$component/source/Sources"
    : map { $component . ($kind eq "installer" ? "/debian-installer" : "") . "/binary-$_/Packages" }
      $architecture eq "all" ? @architectures : $architecture;
  push @{ $parts{$_} //= [] }, $index for @into;
}

sub component_of { my ($part) = @_; $part =~ s{/(?:source/Sources|(?:debian-installer/)?binary-[^/]+/Packages)$}{}; return $part }

# Writes the stanzas of a file to PATH, sorted by name: [name, offset, length] each.
sub sort_into {
  my ($path, $as_found, $order) = @_;
  unlink $path or die "$path: $!\n";
  open my $out, ">", $path or die "$path: $!\n";
  my $here = -1;
  for my $one (sort { $a->[0] cmp $b->[0] || $a->[1] <=> $b->[1] } @$order) {
    # A seek drops the read buffer, even to the current position; and most indices are almost sorted.
    seek $as_found, $one->[1], SEEK_SET or die "$path: $!\n" if $one->[1] != $here;
    read($as_found, my $stanza, $one->[2]) == $one->[2] or die "$path: $!\n";
    $here = $one->[1] + $one->[2];
    print $out $stanza;
  }
  close $out or die "$path: $!\n";
}

# Writes one index of the view.
sub write_part {
  my ($part) = @_;
  my $path = "$view/dists/$suite/$part";
  parents($path);
  # Not in memory: an index may be as large as the host's memory.
  open my $as_found, "+>", $path or die "$path: $!\n";
  my ($at, $last, $sorted, @order) = (0, "", 1);
  for my $index (@{ $parts{$part} }) {
    my $kind = $index->{kind};
    my $where = "$suite/" . one_part($index->{component}) . "/$kind-$index->{architecture}";
    my $wanted =
        $kind eq "binary" ? $names{"binary " . one_part($index->{component}) . "/$index->{architecture}"} // {}
      : $kind eq "sources" ? $names{sources} // {}
      : undef;
    my ($packing) = $index->{file} =~ /\.(\w+)$/;
    my $in;
    if (defined $packing) { open $in, "-|", @{ $unpack{$packing} or die "$index->{file}: cannot be unpacked\n" }, "--", in_store($index->{sha}) or die "$where: $!\n" }
    else { open $in, "<", in_store($index->{sha}) or die "$where: $!\n" }
    local $/ = "";
    while (my $stanza = <$in>) {
      chomp $stanza;
      my ($name) = $stanza =~ /^package:[ \t]*(\S*)/mi;
      next if !defined $name || $wanted && !$wanted->{$name};
      my $taken = eval { $kind eq "sources" ? taken_source($stanza, $index) : taken_binary($stanza, $index) };
      if ($@) { chomp(my $wrong = $@); fault($where, $name, $wrong); next }
      next if !$taken;
      $stanza =~ s/^Phased-Update-Percentage:[^\n]*(?:\n|$)//mi if $phases;
      chomp $stanza;
      $stanza .= "\n\n";
      print $as_found $stanza;
      my ($called, @files) = @$taken;
      $sorted &&= $last le $called;
      $last = $called;
      push @order, [$called, $at, length $stanza];
      $at += length $stanza;
      print $candidates join("\t", $part, $called, @$_), "\n" for @files;
    }
    close $in or defined $packing and die "$where: " . ($! ? $! : "its " . $index->{file} . " cannot be unpacked") . "\n";
  }
  return sort_into($path, $as_found, \@order) if !$sorted;
  close $as_found or die "$path: $!\n";
}

# Components share no path in the pool, so each can have a separate process.
my $wrong = 0;
my @processes = map {
  my $number = $_;
  my $process = fork // die "fork: $!\n";
  if (!$process) {
    open $checksums, ">", "$notes/checksums.$number" or die "checksums: $!\n";
    open $candidates, ">", "$notes/candidates.$number" or die "candidates: $!\n";
    write_part($_) for grep { component_of($_) eq $components[$number] } sort keys %parts;
    close $checksums or die "checksums: $!\n";
    close $candidates or die "candidates: $!\n";
    exit($faults ? 65 : 0);
  }
  $process;
} 0 .. $#components;
for (@processes) { waitpid $_, 0; $wrong = 1 if $? }
exit 65 if $wrong;
for my $file ("checksums", "candidates") {
  my @made = map { "$notes/$file.$_" } 0 .. $#components;
  system("cat -- @{[ map { quotemeta } @made ]} >\Q$notes/$file\E") == 0 or die "$file: cannot be put together\n";
}


open my $out, ">", "$notes/Release" or die "Release: $!\n";
my @date = gmtime;
printf $out "Suite: %s\nCodename: %s\nDate: %s, %02d %s %d %02d:%02d:%02d UTC\nArchitectures: %s\nComponents: %s\nSHA256:\n", $suite, $suite,
  (qw(Sun Mon Tue Wed Thu Fri Sat))[$date[6]], $date[3], (qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec))[$date[4]],
  $date[5] + 1900, @date[2, 1, 0], "@architectures", "@components";
for my $part (sort keys %parts) {
  open my $sum, "-|", "sha256sum", "--", "$view/dists/$suite/$part" or die "sha256sum: $!\n";
  my ($sha) = <$sum> =~ /^([0-9a-f]{64})/;
  print $out " $sha ", -s "$view/dists/$suite/$part", " $part\n";
}
close $out or die "Release: $!\n";
