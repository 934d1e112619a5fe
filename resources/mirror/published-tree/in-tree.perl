# Functions of the programs that work in a mirror's directories; precedes them.

use strict;

sub fault { print STDERR "fault $_[0]\n"; exit 65 }

# An untrusted text, for a message.
sub shown {
  my ($text) = @_;
  $text =~ s{([^\x20-\x7e])}{sprintf "\\x%02x", ord $1}ge;
  return length $text > 300 ? substr($text, 0, 300) . "..." : $text;
}

# Whether a path, joined to a directory, stays in it.
sub sane {
  my ($path) = @_;
  return length $path && length($path) <= 1024 && $path !~ m{[\x00-\x20\x7f\\]}
    && !grep { $_ eq "" || $_ eq "." || $_ eq ".." || length($_) > 255 } split m{/}, $path, -1;
}

# The error of the directories from BASE to the file PATH below it, if any; links are not followed.
my %way;
sub off_the_way {
  my ($base, $path, $make) = @_;
  my ($up) = $path =~ m{^(.*)/}s or return undef;
  my $dir = "$base/$up";
  return undef if $way{$dir};
  my $before = off_the_way($base, $up, $make);
  return $before if defined $before;
  if (!lstat $dir) {
    return "$dir: $!" unless $make && $!{ENOENT};
    mkdir $dir, 0755 or return "$dir: cannot be created: $!";
  }
  elsif (-l _) { return "$dir: is a symbolic link to " . shown(readlink $dir) . ", which is not followed: replace it with a directory" }
  elsif (!-d _) { return "$dir: is not a directory" }
  $way{$dir} = 1;
  return undef;
}

sub make_way { my $wrong = off_the_way($_[0], $_[1], 1); fault($wrong) if defined $wrong }

sub digest_of {
  my ($file) = @_;
  open my $sum, "-|", "sha256sum", "--", $file or fault("sha256sum: $!");
  my ($is) = <$sum> =~ /^\\?([0-9a-f]{64})/;
  return $is // "";
}

# A copy gets the time of the original, by which damage is detected.
sub copied {
  my ($from, $to) = @_;
  my @at = stat $from or return 0;
  unlink $to;
  open my $in, "<", $from or return 0;
  open my $out, ">", $to or return 0;
  while (my $got = sysread $in, my $part, 1 << 20) {
    my $put = 0;
    while ($put < $got) { $put += syswrite($out, $part, $got - $put, $put) // return 0 }
  }
  close $out or return 0;
  chmod $at[2] & 07777, $to;
  utime $at[9], $at[9], $to;
  return 1;
}

# Makes TO, which does not exist, a link to FROM. If FROM has reached the file system's maximum of links, it is first replaced
# with a copy: SPARE is a name for that on the same file system. A job of another mirror may do the same, or put the same
# file into the store, at this moment: link(2) then fails with ENOENT once.
sub linked {
  my ($from, $to, $spare) = @_;
  for (1 .. 100) {
    return if link $from, $to;
    next if $!{ENOENT} && -e $from;
    last unless $!{EMLINK};
    copied($from, $spare) && rename $spare, $from or fault("$to: has the maximum number of links, and cannot be copied: $!");
  }
  my $why = "$!";
  fault("$to: cannot be linked to $from: $why");
}

# The valid lines of a tree's listing, as (sha256, size, mtime, path below ROOT); the numbers of the others.
sub listing {
  my ($root, $tree, $each, $other) = @_;
  my ($name) = readlink($tree) // $tree;
  $name =~ s{/+$}{};
  $name =~ s{.*/}{};
  lstat "$tree/listing";
  if (!-f _) { $other->(undef) if $other; return }
  open my $in, "<", "$tree/listing" or return $other && $other->(undef);
  while (my $line = <$in>) {
    my ($sha, $size, $mtime, $path) = $line =~ m{^([0-9a-f]{64})\t([0-9]{1,15})\t(-?[0-9]{1,15})\t([^\t\n]+)\n\z};
    my $can_be = defined $path && sane($path) && ($path =~ m{^trees/} ? $path =~ m{^trees/\Q$name\E/public/} : $path =~ m{^pool[^/]*/});
    if ($can_be) { $each->($sha, $size, $mtime, $path) }
    elsif ($other) { $other->($.) }
  }
}
