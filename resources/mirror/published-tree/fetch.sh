# Fetches what a work list names into the store, where files are called by their SHA-256.
# Part of a job's script; expects:
#   STORE      directory of the store
#   WORK       private directory of this job, on the store's file system; partial files survive in it
#   UPSTREAM   base URL, ends in /
#   PARALLEL   transfers at once
#   STALL      seconds without a byte after which a transfer is given up
#   PATIENCE   seconds to wait before each further try of what may pass
#   LIST       the work list: sha256 TAB size TAB path below UPSTREAM, or "-" for what must be there already TAB destination
# and curl.sh. Says what it does in lines that start with "progress ", what is wrong in lines that start with "fault ", and
# what to do about it in one that starts with "remedy " where that is not to try again.

fetch_missing() {
  mkdir -p "$STORE" "$WORK/partial"
  perl -e "$in_tree"'
    my ($store, $list) = @ARGV; my %seen;
    open my $in, "<", $list or die "$list: $!";
    while (<$in>) {
      chomp; my ($sha, $size, $path, $dest) = split /\t/, $_, 4;
      next if $seen{$sha}++;
      my $kept = "$store/" . substr($sha, 0, 2) . "/$sha"; my $have = -s $kept;
      next if -e _ && ($have // 0) == $size;
      # A digest has one size: what is wrong about it is the list, or the file.
      if (-e _ && digest_of($kept) eq $sha) { print STDERR "fault $dest: is to have $size bytes, and what has its SHA-256 has " . ($have // 0) . "\n"; $lost = 1; next }
      if ($path eq "-") { print STDERR "fault $dest: was to be handed over with the job and is not in the store\n"; $lost = 1; next }
      print "$sha\t$size\t$path\n";
    }
    exit($lost ? 65 : 0);
  ' "$STORE" "$LIST" >"$WORK/missing" 2>"$WORK/faults" || { cat "$WORK/faults"; exit 65; }
  total_files=$(wc -l <"$WORK/missing")
  total_bytes=$(awk -F'\t' '{ b += $2 } END { printf "%.0f", b }' "$WORK/missing")
  [ "$total_files" -gt 0 ] || return 0
  # Partial files of another plan would never be asked for again.
  ( cd "$WORK/partial" && ls -1 ) | sort >"$WORK/left" && cut -f1 "$WORK/missing" | sort | comm -23 "$WORK/left" - | (cd "$WORK/partial" && xargs -r rm -f --)
  refuse_small_disk "$WORK/missing"
  echo "progress fetching $total_files files, $(in_mib "$total_bytes")"

  : >"$WORK/given-up"
  try=1
  fetch_pass "$WORK/missing"
  for wait in $PATIENCE; do
    choose_again "$try"
    [ -s "$WORK/now" ] || break
    try=$((try + 1))
    if awk -F'\t' '$4 != "spoiled" { found = 1 } END { exit !found }' "$WORK/now"; then
      echo "progress waiting $wait s before what failed is tried again"
      sleep "$wait"
    fi
    fetch_pass "$WORK/now"
  done
  choose_again "$try" last
  [ -s "$WORK/given-up" ] || return 0
  head -n 20 "$WORK/given-up"
  more=$(($(wc -l <"$WORK/given-up") - 20))
  [ "$more" -le 0 ] || echo "fault ... and $more more"
  if grep -q 'upstream\.[a-z]' "$WORK/given-up"; then
    echo "remedy Put right what is named there, then run the update again; what has arrived is kept."
  fi
  exit 65
}

# choose_again TRY [last]: from what the TRYth pass left, what is tried again goes to $WORK/now, and why the rest is not to
# $WORK/given-up. What a proxy spoiled may come whole the second time; what is wrong upstream stays wrong.
choose_again() {
  paste "$WORK/again" "$WORK/faults" | awk -F'\t' -v try="$1" -v last="${2:-}" -v now="$WORK/now.new" -v lost="$WORK/given-up" '
    BEGIN { printf "" >now }
    { fault = $NF; class = NF > 4 ? $4 : "final" }
    !last && (class == "passing" || try == 1 && (class == "spoiled" || class == "stalled")) { print $1 FS $2 FS $3 FS class >now; next }
    { print fault (try > 1 && class == "passing" ? ", " try " times" : "") >>lost }'
  : >"$WORK/again"; : >"$WORK/faults"
  mv -f "$WORK/now.new" "$WORK/now"
}

# fetch_pass LIST: leaves in $WORK/again what did not arrive right, and the reasons in $WORK/faults, line for line.
fetch_pass() {
  : >"$WORK/again"; : >"$WORK/faults"; done_bytes=0
  rm -f "$WORK"/batch.*
  # By size, so that the limit on a transfer's size is close for every file of a batch.
  sort -t "$(printf '\t')" -k2,2n "$1" | split -l 2000 -a 4 - "$WORK/batch."
  for batch in "$WORK"/batch.*; do
    largest=$(tail -n 1 "$batch" | cut -f2)
    perl -e '
      my ($batch, $partial, $upstream) = @ARGV;
      open my $in, "<", $batch or die "$batch: $!";
      while (<$in>) {
        chomp; my ($sha, $size, $path) = split /\t/;
        $path =~ s{([^A-Za-z0-9/._-])}{sprintf "%%%02X", ord $1}ge;
        print "url = \"$upstream$path\"\noutput = \"$partial/$sha\"\n";
      }
    ' "$batch" "$WORK/partial" "$UPSTREAM" >"$WORK/curl.conf"
    : >"$WORK/report"
    # It must not hold the locks for as long as its sleep outlives it.
    watch_progress 8>&- 9>&- & watcher=$!
    fetch_by_curl "$WORK/curl.conf" "$largest"
    kill "$watcher" 2>/dev/null; wait "$watcher" 2>/dev/null || true
    check_batch "$batch"
    done_bytes=$((done_bytes + $(awk -F'\t' '{ b += $2 } END { printf "%.0f", b }' "$batch")))
  done
  rm -f "$WORK"/batch.*
}

# Moves what is right into the store; tells what is wrong with the rest.
check_batch() {
  why=$( (cd "$WORK/partial" && cut -f1 "$1" | perl -nle 'print if -f' | tr '\n' '\0' | sums_of -- >"$WORK/sums") 2>&1) ||
    fault "what has arrived cannot be read: $(printf '%s\n' "$why" | tail -n 1)"
  perl -e "$in_tree$why_not"'
    my ($batch, $work, $store) = @ARGV; my (%sum, %report);
    # curl does not say why it could not write.
    sub unwritable {
      my $probe = "$work/partial/probe"; my $ok = open(my $out, ">", $probe) && syswrite($out, "0" x 1048576) == 1048576; my $why = "$!";
      close $out if $out; unlink $probe; return $ok ? undef : "$probe: $why";
    }
    open my $sums, "<", "$work/sums" or die; while (<$sums>) { $sum{$2} = $1 if /^\\?([0-9a-f]{64}) [ *](.*)$/ }
    open my $report, "<", "$work/report" or die;
    while (<$report>) { chomp; my ($code, $http, $file, @more) = split /\t/, $_, 6; $file =~ s{.*/}{}; $report{$file} = [$code, $http, @more] }
    open my $in, "<", $batch or die; open my $again, ">>", "$work/again" or die; open my $faults, ">>", "$work/faults" or die;
    while (<$in>) {
      chomp; my ($sha, $size, $path) = split /\t/; my $partial = "$work/partial/$sha";
      if (($sum{$sha} // "") eq $sha && (-s $partial // 0) != $size) {
        print $faults "fault $path: has the SHA-256 that the signed index says, and " . (-s $partial // 0) . " bytes where it says $size\n";
        print $again "$sha\t$size\t$path\n"; unlink $partial; next;
      }
      if (($sum{$sha} // "") eq $sha) {
        my $dir = "$store/" . substr($sha, 0, 2); make_way($store, substr($sha, 0, 2) . "/$sha"); chmod 0644, $partial;
        # Damage is looked for by size and second of change: what is changed in the second of its arrival is to show, too.
        utime time - 2, time - 2, $partial;
        if (rename $partial, "$dir/$sha") { next }
        print $faults "fault $path: cannot be moved into the store: $!\n"; print $again "$sha\t$size\t$path\n"; next;
      }
      my ($code, $http) = @{ $report{$sha} // [] };
      my $got = -e $partial ? (-s $partial // 0) : undef;
      my ($why, $class) = why_not($report{$sha} // [], $size, $got, $path);
      my $larger = defined $got && $got > $size || ($code // 0) == 63 || ($code // 0) == 23 && defined $got && $got >= $size;
      if ($larger) { ($why, $class) = ("is larger than the $size bytes that the signed index says", "spoiled") if ($why // "") !~ /web page/ }
      elsif (($code // 0) == 23 && defined(my $reason = unwritable())) { ($why, $class) = ("cannot be written: $reason", "final") }
      $class //= "spoiled";
      $why //=
          !defined $got ? "nothing arrived"
        : $got < $size ? "is truncated: $got of $size bytes"
        : "its SHA-256 is $sum{$sha}, and the signed index says $sha";
      # What the server says is all, is as long as it should be, or cannot be resumed there (33, 416), begins anew.
      unlink $partial if defined $got && ($got >= $size || ($code // 0) == 0 || $code == 33 || ($http // "") eq "416");
      print $faults "fault $path: $why\n"; print $again "$sha\t$size\t$path\t$class\n";
    }
    close $faults && close $again or fault("$work/faults: $!");
  ' "$1" "$WORK" "$STORE"
}

# refuse_small_disk LIST: before anything is fetched, what it needs: its bytes, less what an earlier update left of them, and
# a file each. reprepro wants to see room beside its database (--dbsafetymargin) and the pool (--safetymargin).
refuse_small_disk() {
  margin=0
  [ "${SIGNING:-}" != mirror ] || margin=101
  needed=$(perl -e '
    my ($list, $partial, $block) = @ARGV; my ($bytes, $files) = (0, 0);
    open my $in, "<", $list or die "$list: $!";
    while (<$in>) { my ($sha, $size) = split /\t/; $files++; my $left = $size - (-s "$partial/$sha" // 0); $bytes += $block * int(($left + $block - 1) / $block) if $left > 0 }
    printf "%.0f %d\n", $bytes, $files;
  ' "$1" "$WORK/partial" "$(stat -f -c %S "$WORK")")
  disk=$(stat -f -c '%a %S %d %c' "$WORK")
  echo "$needed $disk" | awk -v margin="$margin" -v root="$ROOT" -v mount="$(df --output=target "$WORK" | tail -n 1)" '
    { need = $1; files = $2; free = $3 * $4
      if (need + margin * 1048576 > free)
        what = sprintf("%.1f MiB are to be fetched%s and %.1f MiB are free", need / 1048576, margin ? sprintf(" and %d MiB to stay free for reprepro,", margin) : "", free / 1048576)
      # Some file systems have as many as they need, and say 0 of 0.
      else if ($6 > 0 && files > $5) what = sprintf("%d files are to be fetched and %d inodes are free", files, $5)
      else exit
      printf "fault disk: %s on the file system of %s (%s)\n", what, root, mount; exit 65 }'
}

watch_progress() {
  while sleep 1 >/dev/null 2>&1; do
    here=$(du -sb "$WORK/partial" 2>/dev/null | cut -f1)
    echo "progress fetched $(in_mib $((done_bytes + ${here:-0}))) of $(in_mib "$total_bytes")"
  done
}

in_mib() { awk -v b="$1" 'BEGIN { printf "%.1f MiB", b / 1048576 }'; }
