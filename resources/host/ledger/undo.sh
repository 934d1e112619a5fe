# Makes a change completely or not at all: a journal keeps the previous state until services have accepted the change.
#
# $ledger/undo/ exists only during a change, which holds the ledger's lock. A process that gets the lock and finds it
# undoes the interrupted change. It contains `resource` (whose change it is), `units` (services that read the files)
# and, in the order of their depth, records/N-<sha256 of the path>/ with `path`, `original` or `absent` (the state before
# this change) and `record` (the previous content of the ledger).
#
# Prints on standard output, in addition to path-claims.sh:
#   rejected UNIT ACTION TEXT-IN-BASE64  a service refused the change
#   busy UNIT PORT WHO-IN-BASE64         another process listens on the service's port
#   restored                             everything is as before this change
#   already UNIT TEXT-IN-BASE64          the service refuses that, too
#   blamed PATH-IN-BASE64 RESOURCE       who declares a file that is in a service's error
#
# Defines: begin_undo note_state note_parent keep_undo commit restore recover give_back blame need_ports
#   check_service_files reload_service
# Private: others_at
# Needs functions: keep_state keep_ancestors path_of is_directory put_back stop (path-claims.sh),
#   take_in (handing-over.sh), command_of (path-claims.ts)
# Needs variables: undo paths path (path-claims.sh), resource wanted ledger (path-claims.ts)

# units: opens the journal
begin_undo() {
  at="- record"
  noting=yes
  rm -rf "$undo.new"
  mkdir -p "$undo.new/records"
  printf '%s\n' "$1" >"$undo.new/units"
  printf '%s\n' "$resource" >"$undo.new/resource"
}

# record path
note_state() {
  if [ -S "$2" ]; then return 0; fi
  slashes=$(printf '%s' "$2" | tr -cd / | wc -c)
  noted=$undo.new/records/$(printf '%04d' "$slashes")-$1
  mkdir "$noted"
  printf '%s' "$2" >"$noted/path"
  keep_state "$2" "$noted"
  if [ -e "$noted/original" ]; then keep_ancestors "$2" "$noted/ancestors"; fi
  if [ -d "$paths/$1" ]; then cp -a -- "$paths/$1" "$noted/record"; fi
}

# record path: a directory that was not created by us is not changed
note_parent() {
  if [ ! -d "$2" ] || [ -d "$paths/$1" ]; then note_state "$1" "$2"; fi
}

# Completes the journal with the paths to be released. From here on everything can be restored.
keep_undo() {
  for own in "$paths"/*/claims/"$resource"; do
    if [ ! -f "$own" ]; then continue; fi
    record=${own%/claims/*}
    case $wanted in *" ${record##*/} "*) continue ;; esac
    path_of "$record"
    note_state "${record##*/}" "$path"
  done
  trap 'exit 129' HUP INT PIPE TERM
  sync -f "$undo.new"
  mv -T "$undo.new" "$undo"
  sync -f "$ledger"
  journal=kept
  noting=
}

commit() {
  at="- commit"
  mv -T "$undo" "$undo.done"
  journal=
  rm -rf "$undo.done"
}

# Restores the state in the journal. It may run twice.
restore() {
  deepest_first=
  for noted in "$undo/records"/*; do deepest_first="$noted
$deepest_first"; done
  printf '%s' "$deepest_first" | while read -r noted; do
    if [ ! -d "$noted" ]; then continue; fi
    path_of "$noted"
    case $path in /*) ;; *) continue ;; esac
    rm -rf -- "${path%/*}/.airgapped-maas.${noted##*-}"
    if [ ! -e "$noted/absent" ]; then continue; fi
    if is_directory "$path"; then rmdir -- "$path" 2>/dev/null || true; else rm -f -- "$path"; fi
  done
  for noted in "$undo/records"/*; do
    if [ ! -e "$noted/original" ]; then continue; fi
    path_of "$noted"
    put_back "$noted"
  done
  rm -rf "$paths/.old" "$paths/.new"
  for noted in "$undo/records"/*; do
    if [ ! -d "$noted" ]; then continue; fi
    record=$paths/${noted##*-}
    rm -rf "$record"
    if [ -d "$noted/record" ]; then
      mkdir -p "$paths"
      cp -a -- "$noted/record" "$paths/.new"
      mv -T "$paths/.new" "$record"
    fi
  done
  sync -f "$ledger"
}

# Undoes an interrupted change before anything else is read.
recover() {
  for remains in "$undo.new" "$undo.done"; do
    if [ -d "$remains" ]; then rm -rf "$remains"; fi
  done
  if [ ! -d "$undo" ]; then return 0; fi
  restore
  read -r readers <"$undo/units" || readers=
  for unit in $readers; do take_in "$unit" >/dev/null 2>&1 || true; done
  mv -T "$undo" "$undo.done"
  rm -rf "$undo.done"
}

# Undoes a failed change.
give_back() {
  journal=
  # Inside a condition `set -e` would have no effect.
  (restore) </dev/null &
  if ! wait $!; then return 0; fi
  echo restored || true
  read -r readers <"$undo/units" || readers=
  for unit in $readers; do
    command=$(command_of "$unit")
    if text=$(sh -c "$command" 9>&- 2>&1); then
      take_in "$unit" >/dev/null 2>&1 || true
    else
      { echo "already $unit $(printf '%s' "$text" | base64 -w 0)" && blame "$text"; } || true
    fi
  done
  mv -T "$undo" "$undo.done" && rm -rf "$undo.done"
  for empty in "$paths" "$ledger"; do rmdir -- "$empty" 2>/dev/null || true; done
}

# text: prints who declares the files that it names
blame() {
  for named in $(printf '%s\n' "$1" | grep -oE '/[A-Za-z0-9_./=+~@-]+' | sort -u); do
    record=$(printf '%s' "$named" | sha256sum)
    for claim in "$paths/${record%% *}/claims"/*; do
      if [ -f "$claim" ]; then echo "blamed $(printf '%s' "$named" | base64 -w 0) ${claim##*/}"; fi
    done
  done
}

# port unit: prints who else listens there, unless the service itself does
others_at() {
  if ! command -v ss >/dev/null; then return 0; fi
  listening=$(ss -Hltnp "sport = :$1" 2>/dev/null) || return 0
  processes=$(printf '%s\n' "$listening" | grep -o 'pid=[0-9]*' | sort -u)
  others=
  for process in $processes; do
    # A process that has just ended, such as an old worker of a service, no longer listens.
    group=$(cat "/proc/${process#pid=}/cgroup" 2>/dev/null) || continue
    case $group in *"/$2"*) return 0 ;; esac
    others=yes
  done
  if [ -n "$processes" ] && [ -z "$others" ]; then return 0; fi
  printf '%s\n' "$listening" | sed -n 's/.*users:((\("[^"]*",pid=[0-9]*\).*/\1/p; t; s/^[^ ]* *[^ ]* *[^ ]* *\([^ ]*\).*/\1/p' | sort -u | paste -sd ' ' -
}

# unit ports: stops if another process listens there
need_ports() {
  for port in $2; do
    who=$(others_at "$port" "$1")
    if [ -z "$who" ]; then continue; fi
    echo "busy $1 $port $(printf '%s' "$who" | base64 -w 0)"
    stop "check:$1" busy
  done
}

# unit: checks whether the service accepts the current files
check_service_files() {
  at="check:$1 check"
  command=$(command_of "$1")
  if text=$(sh -c "$command" 9>&- 2>&1); then return 0; fi
  echo "rejected $1 check $(printf '%s' "$text" | base64 -w 0)"
  exit 1
}

# unit: lets it load the current files
reload_service() {
  at="check:$1 reload"
  if text=$(take_in "$1" 2>&1); then return 0; fi
  echo "rejected $1 reload $(printf '%s' "$text" | base64 -w 0)"
  exit 1
}
