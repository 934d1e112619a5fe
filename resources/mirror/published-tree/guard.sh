# What a job refuses by itself, whoever wrote what it reads: the work list, its settings, the listings of kept snapshots, and
# symbolic links in the mirror's directories, none of which is followed. First part of every job's script; expects:
#   ROOT STORE WORK    see tree.sh and fetch.sh; WORK is below ROOT
# and, where a job has a work list, LIST and
#   DESTINATIONS       the first parts that its destinations may have, separated by blanks

# step WHAT: what the job does from now on, as a gerund phrase, for whoever explains its end.
step() { echo "step $1"; }

# Faults are told on standard error, as standard output may be a file at that moment. Both are the job's log.
fault() {
  printf 'fault %s\n' "$1" >&2
  exit 65
}

# What the scripts in Perl share; prepend it to theirs.
in_tree='
sub fault { print STDERR "fault $_[0]\n"; exit 65 }
sub shown { my ($text) = @_; $text =~ s{([^\x20-\x7e])}{sprintf "\\x%02x", ord $1}ge; length $text > 300 ? substr($text, 0, 300) . "..." : $text }
# A path that can be joined to a directory and stays in it.
sub sane {
  my ($path) = @_;
  return length $path && length($path) <= 1024 && $path !~ m{[\x00-\x20\x7f\\]}
    && !grep { $_ eq "" || $_ eq "." || $_ eq ".." || length($_) > 255 } split m{/}, $path, -1;
}
# What is wrong with the directories on the way from BASE to the file PATH below it; nothing is followed.
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
    mkdir $dir, 0755 or return "$dir: cannot be made: $!";
  }
  elsif (-l _) { return "$dir: is a symbolic link to " . shown(readlink $dir) . ", and nothing is written or removed through one: put a directory in its place" }
  elsif (!-d _) { return "$dir: is no directory" }
  $way{$dir} = 1;
  return undef;
}
sub make_way { my $wrong = off_the_way($_[0], $_[1], 1); fault($wrong) if defined $wrong }
sub digest_of { my ($file) = @_; open my $sum, "-|", "sha256sum", "--", $file or fault("sha256sum: $!"); my ($is) = <$sum> =~ /^\\?([0-9a-f]{64})/; return $is // "" }
# A copy has the time of the original, by which damage is looked for.
sub copied {
  my ($from, $to) = @_; my @at = stat $from or return 0; unlink $to;
  open my $in, "<", $from or return 0; open my $out, ">", $to or return 0;
  while (my $got = sysread $in, my $part, 1 << 20) { my $put = 0; while ($put < $got) { $put += syswrite($out, $part, $got - $put, $put) // return 0 } }
  close $out or return 0; chmod $at[2] & 07777, $to; utime $at[9], $at[9], $to;
  return 1;
}
# Makes TO, which is not there, a link to FROM. Where the file system has no more links to FROM, a copy takes its place
# first, of which there are none yet: SPARE is a name for it on the same file system. A job of another mirror may do the
# same, or put the same file into the store, at this moment: link(2) then fails with ENOENT once.
sub linked {
  my ($from, $to, $spare) = @_;
  for (1 .. 100) {
    return if link $from, $to;
    next if $!{ENOENT} && -e $from;
    last unless $!{EMLINK};
    copied($from, $spare) && rename $spare, $from or fault("$to: has more links than the file system takes, and cannot be copied: $!");
  }
  my $why = "$!"; fault("$to: cannot be linked to $from: $why");
}
# The lines of a tree`s listing that can be one, as (sha256, size, mtime, path below ROOT); the numbers of others.
sub listing {
  my ($root, $tree, $each, $other) = @_; my ($name) = readlink($tree) // $tree; $name =~ s{/+$}{}; $name =~ s{.*/}{};
  lstat "$tree/listing"; if (!-f _) { $other->(undef) if $other; return }
  open my $in, "<", "$tree/listing" or return $other && $other->(undef);
  while (my $line = <$in>) {
    my ($sha, $size, $mtime, $path) = $line =~ m{^([0-9a-f]{64})\t([0-9]{1,15})\t(-?[0-9]{1,15})\t([^\t\n]+)\n\z};
    if (defined $path && sane($path) && ($path =~ m{^trees/} ? $path =~ m{^trees/\Q$name\E/public/} : $path =~ m{^pool[^/]*/})) { $each->($sha, $size, $mtime, $path); next }
    $other->($.) if $other;
  }
}
'

# listed TREE: what its listing says, line by line, without the lines that no listing can have.
listed() { perl -e "$in_tree"'my ($root, $tree) = @ARGV; listing($root, $tree, sub { print join("\t", @_), "\n" })' "$ROOT" "$1"; }

# The whole list is read before anything is done.
check_list() {
  perl -e "$in_tree"'
    my ($list, $destinations) = @ARGV; my (%size, %at, %dir, @wrong); my %known = map { $_ => 1 } split / /, $destinations;
    open my $in, "<", $list or fault("$list: $!");
    while (my $line = <$in>) {
      my $wrong = sub { push @wrong, "the work list, line $.: $_[0]" };
      my ($sha, $size, $from, $to) = $line =~ m{^([^\t\n]*)\t([^\t\n]*)\t([^\t\n]*)\t([^\t\n]*)\n\z} or $wrong->("is not four fields: " . shown($line)), next;
      if ($sha !~ m{^[0-9a-f]{64}\z}) { $wrong->(shown($sha) . " is no SHA-256"); next }
      if ($size !~ m{^(0|[1-9][0-9]{0,14})\z}) { $wrong->(shown($size) . " is no size"); next }
      if ($from ne "-" && !sane($from)) { $wrong->(shown($from) . " is no path below upstream"); next }
      my ($word) = $to =~ m{^([a-z]+)/};
      if (!sane($to) || !$known{ $word // "" }) { $wrong->(shown($to) . " leads out of what this mirror has ($destinations)"); next }
      if (defined $size{$sha} && $size{$sha} != $size) { $wrong->("$to: $sha has $size bytes here, and $size{$sha} in another line"); next }
      if (defined $at{$to} && $at{$to} ne $sha) { $wrong->("$to: is to have two contents: $at{$to} and $sha"); next }
      $size{$sha} = $size; $at{$to} = $sha;
      for (my $dir = $to; $dir =~ s{/[^/]*\z}{}; ) { last if $dir{$dir}++ }
    }
    push @wrong, map { "the work list: $_ is to be a file and a directory" } grep { $dir{$_} } sort keys %at;
    if (@wrong) { print STDERR "fault $_\n" for splice @wrong, 0, 20; print STDERR "fault ... and " . @wrong . " more\n" if @wrong; exit 65 }
  ' "$LIST" "$DESTINATIONS"
}

# Digests and numbers come from elsewhere, too. What a job does without may be empty.
check_settings() {
  for digest in "${PLAN:-}" "${PLAN_TEXT:-}" "${SUMMARY:-}" "${CONTENTS:-}"; do
    is_digest "$digest" || [ -z "$digest" ] || fault "the job's settings: $digest is no SHA-256"
  done
  for number in "${KEEP-1}" "${PARALLEL-1}" "${STALL-1}" "${SLOWEST-1}" "${VALID-0}"; do
    case "$number" in '' | *[!0-9]*) fault "the job's settings: $number is no number" ;; esac
  done
  case "${PATIENCE:-}" in *[!0-9.\ ]*) fault "the job's settings: $PATIENCE are no numbers" ;; esac
  # It becomes a line of a configuration of curl.
  case "${PROXY:-}" in *[!-A-Za-z0-9._~:/@%[\]]*) fault "the job's settings: the proxy's address has characters that no address has" ;; esac
  [ -z "${PINNED:-}" ] || is_tree "$PINNED" || fault "$PINNED: is no name of a kept snapshot: set pinnedTo to one"
  perl -e "$in_tree"'
    for (@ARGV[0 .. 2]) { (my $plain = $_) =~ tr/ /_/; $plain =~ s{^/}{} && sane($plain) or fault("the job`s settings: " . shown($_) . " is no directory") }
    $ARGV[2] eq "$ARGV[0]/work" or fault("the job`s settings: $ARGV[2] is not in $ARGV[0]");
    sane($_) or fault("the job`s settings: " . shown($_) . " is no name of a suite") for split / /, $ARGV[3];
  ' "$ROOT" "$STORE" "$WORK" "${SUITES:-}"
}

is_digest() {
  case "$1" in *[!0-9a-f]*) return 1 ;; esac
  [ "${#1}" -eq 64 ]
}

# NUMBER-DIGEST, as trees are called.
is_tree() { printf '%s\n' "$1" | grep -qEx '[0-9]{6,}-[0-9a-f]{12}'; }

# The names of the kept snapshots, oldest first.
tree_names() { find "$ROOT/trees" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2>/dev/null | grep -Ex '[0-9]{6,}-[0-9a-f]{12}' | LC_ALL=C sort; }

# refuse_links PATH... [-maxdepth N]: names the symbolic links at and below each that no mirror makes. A mirror makes `current`, and in
# its trees and for reprepro `pool`, which stay in ROOT.
refuse_links() {
  find "$@" -type l -printf '%p\0%l\0' 2>/dev/null | perl -0ne "$in_tree"'
    BEGIN { $root = shift @ARGV }
    chomp; if (!defined $link) { $link = $_; next }
    my ($at, $to) = ($link, $_); undef $link;
    my $below = $at; $below =~ s{^\Q$root\E/}{};
    next if $below =~ m{^current(\.new)?\z} && $to =~ m{^trees/[0-9]{6,}-[0-9a-f]{12}\z};
    if ($below =~ m{^(?:trees|work|reprepro)/(?:.*/)?pool\z}s && (my ($ups, $rest) = $to =~ m{^((?:\.\./)+)(pool[^/]*(?:/.+)?)\z})) {
      next if sane($rest) && ($ups =~ tr{/}{}) == ($below =~ tr{/}{});
    }
    fault(shown($at) . ": is a symbolic link to " . shown($to) . ", and nothing is written or removed through one: put a directory or file in its place");
  ' "$ROOT"
}

# Everything of this mirror, before anything in it is opened.
refuse_planted_links() {
  refuse_links "$ROOT/.lock" "$ROOT/.owner" "$ROOT/.unfinished" "$ROOT/current" "$ROOT/current.new" \
    "$ROOT"/pool* "$ROOT/trees" "$ROOT/work" "$ROOT/reprepro" "$STORE"
}
