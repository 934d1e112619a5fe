# Fetches the files of a work list into the store, where files are named after their SHA-256.
# Part of a job's script; it uses
#   STORE      directory of the store
#   WORK       private directory of this job, on the store's file system; partial files are kept in it
#   UPSTREAM   base URL, ends in /
#   PARALLEL   number of parallel transfers
#   STALL      seconds without a byte after which a transfer is ended
#   PATIENCE   seconds to wait before each retry of a temporary failure
#   LIST       the work list: sha256 TAB size TAB path below UPSTREAM, or "-" for files that must exist TAB destination
# Prints its progress in lines that start with "progress ", errors in lines that start with "fault ", and a remedy other
# than trying again in a line that starts with "remedy ".
#
# Programs: MISSING_FILES (missing-files.perl), CHOOSE_AGAIN (choose-again.awk), CURL_URLS (curl-urls.perl),
#   CHECK_BATCH (check-batch.perl), BYTES_NEEDED (bytes-needed.perl), SMALL_DISK (small-disk.awk)
# Defines: fetch_missing
# Private: choose_again fetch_pass check_batch refuse_small_disk watch_progress in_mib
# Needs functions: fetch_by_curl (curl.sh), sums_of (tree.sh), fault (guard.sh)
# Needs variables: STORE WORK LIST PATIENCE UPSTREAM ROOT (scripts.ts), IN_TREE (guard.sh), WHY_NOT (curl.sh),
#   SIGNING (../apt/scripts.ts)

fetch_missing() {
  mkdir -p "$STORE" "$WORK/partial"
  perl -e "$IN_TREE$MISSING_FILES" "$STORE" "$LIST" >"$WORK/missing" 2>"$WORK/faults" || { cat "$WORK/faults"; exit 65; }
  total_files=$(wc -l <"$WORK/missing")
  total_bytes=$(awk -F'\t' '{ b += $2 } END { printf "%.0f", b }' "$WORK/missing")
  [ "$total_files" -gt 0 ] || return 0
  # Partial files of another plan would never be used again.
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
      echo "progress waiting $wait s before failed transfers are tried again"
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
    echo "remedy Fix the settings named above, then run the update again; fetched files are kept."
  fi
  exit 65
}

# choose_again TRY [last]: writes the failed files of pass TRY that are tried again to $WORK/now, and the faults of the
# others to $WORK/given-up. A file that a proxy changed may be correct at the second attempt; a file that is wrong upstream
# stays wrong.
choose_again() {
  paste "$WORK/again" "$WORK/faults" | awk -F'\t' -v try="$1" -v last="${2:-}" -v now="$WORK/now.new" -v lost="$WORK/given-up" "$CHOOSE_AGAIN"
  : >"$WORK/again"; : >"$WORK/faults"
  mv -f "$WORK/now.new" "$WORK/now"
}

# fetch_pass LIST: writes failed files to $WORK/again, and the reasons to $WORK/faults, line for line.
fetch_pass() {
  : >"$WORK/again"; : >"$WORK/faults"; done_bytes=0
  rm -f "$WORK"/batch.*
  # Sorted by size, so that the size limit of a batch is close for each of its files.
  sort -t "$(printf '\t')" -k2,2n "$1" | split -l 2000 -a 4 - "$WORK/batch."
  for batch in "$WORK"/batch.*; do
    largest=$(tail -n 1 "$batch" | cut -f2)
    perl -e "$CURL_URLS" "$batch" "$WORK/partial" "$UPSTREAM" >"$WORK/curl.conf"
    : >"$WORK/report"
    # Its sleep may outlive it, and must not hold the locks.
    watch_progress 8>&- 9>&- & watcher=$!
    fetch_by_curl "$WORK/curl.conf" "$largest"
    kill "$watcher" 2>/dev/null; wait "$watcher" 2>/dev/null || true
    check_batch "$batch"
    done_bytes=$((done_bytes + $(awk -F'\t' '{ b += $2 } END { printf "%.0f", b }' "$batch")))
  done
  rm -f "$WORK"/batch.*
}

# Moves correct files into the store; reports the errors of the others.
check_batch() {
  why=$( (cd "$WORK/partial" && cut -f1 "$1" | perl -nle 'print if -f' | tr '\n' '\0' | sums_of -- >"$WORK/sums") 2>&1) ||
    fault "the fetched files cannot be read: $(printf '%s\n' "$why" | tail -n 1)"
  perl -e "$IN_TREE$WHY_NOT$CHECK_BATCH" "$1" "$WORK" "$STORE"
}

# refuse_small_disk LIST: checks the free space before anything is fetched: the bytes, without those of partial files, and
# an inode for each file. reprepro requires free space beside its database (--dbsafetymargin) and the pool (--safetymargin).
refuse_small_disk() {
  margin=0
  [ "${SIGNING:-}" != mirror ] || margin=101
  needed=$(perl -e "$BYTES_NEEDED" "$1" "$WORK/partial" "$(stat -f -c %S "$WORK")")
  disk=$(stat -f -c '%a %S %d %c' "$WORK")
  echo "$needed $disk" | awk -v margin="$margin" -v root="$ROOT" -v mount="$(df --output=target "$WORK" | tail -n 1)" "$SMALL_DISK"
}

watch_progress() {
  while sleep 1 >/dev/null 2>&1; do
    here=$(du -sb "$WORK/partial" 2>/dev/null | cut -f1)
    echo "progress fetched $(in_mib $((done_bytes + ${here:-0}))) of $(in_mib "$total_bytes")"
  done
}

in_mib() { awk -v b="$1" 'BEGIN { printf "%.1f MiB", b / 1048576 }'; }
