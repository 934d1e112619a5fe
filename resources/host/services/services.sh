# Sets systemd units to a resource's declaration, and restores those that are no longer declared.
#
# $units are those that this resource keeps, with spaces around them. For each unit
# $ledger/services/<unit>/ contains `found` (the original load state, unit file state, active state),
# claims/<resource> (what each resource declares) and loaded/<resource> (the digests of the files that the
# running service has loaded for that resource). As with paths, a record is written before the unit is changed
# and removed after it is restored.
#
# Prints on standard output, in addition to path-claims.sh:
#   contested UNIT RESOURCE  another resource declares something else for the unit; nothing was changed
#   journal TEXT-IN-BASE64   the last log lines of a unit that failed
#   serving UNIT             the unit still runs as before
# and stops at `unit:UNIT ACTION`.
#
# Defines: shown lock_services check_service claim_service note_running each_unwanted step_down put_service_back
#   take_in_unit_files fail settle_service unmask close_services
# Private: is_last_claim read_found is_there is_running restart_when_changed note_changed rest_service run_service
#   stays_up
# Needs functions: stop (../ledger/path-claims.sh), nginx_workers handed_over (../ledger/handing-over.sh)
# Needs variables: ledger lock resource (../ledger/path-claims.ts), units (../services.ts)

services=$ledger/services

shown() {
  systemctl show --property="$2" --value -- "$1"
}

lock_services() {
  at="- lock"
  exec 8>"$lock.services"
  flock -w 600 8
  at="- start"
}

# unit declaration
check_service() {
  record=$services/$1
  if [ ! -d "$record" ]; then return 0; fi
  mine=
  if [ -f "$record/claims/$resource" ]; then read -r mine <"$record/claims/$resource"; fi
  for claim in "$record/claims"/*; do
    other=${claim##*/}
    if [ "$other" = "$resource" ] || [ ! -f "$claim" ]; then continue; fi
    read -r theirs <"$claim"
    if [ "$theirs" = "$2" ] || [ "$theirs" = "$mine" ]; then continue; fi
    echo "contested $1 $other"
    at=
    exit 1
  done
}

# unit declaration
claim_service() {
  at="unit:$1 claim"
  record=$services/$1
  if [ ! -d "$record" ]; then
    rm -rf "$services/.new"
    mkdir -p "$services/.new/claims" "$services/.new/loaded"
    echo "$(shown "$1" LoadState)/$(shown "$1" UnitFileState)/$(shown "$1" ActiveState)" >"$services/.new/found"
    printf '%s\n' "$2" >"$services/.new/claims/$resource"
    mv -T "$services/.new" "$record"
    sync -f "$services"
  else
    printf '%s\n' "$2" >"$record/.claim"
    mv -f "$record/.claim" "$record/claims/$resource"
  fi
}

# unit, record of a unit file or drop-in, its path: the current file counts as loaded until a later change.
note_running() {
  loaded=$services/$1/loaded/$resource
  if [ -e "$loaded" ] && grep -q "^$2 " "$loaded"; then return 0; fi
  digest=absent
  if [ -f "$3" ]; then digest=$(sha256sum <"$3"); fi
  echo "$2 ${digest%% *}" >>"$loaded"
}

# Calls a function for each unit that this resource claims and no longer declares, with its record.
each_unwanted() {
  for own in "$services"/*/claims/"$resource"; do
    if [ ! -f "$own" ]; then continue; fi
    record=${own%/claims/*}
    unit=${record##*/}
    case $units in *" $unit "*) continue ;; esac
    "$1"
  done
}

is_last_claim() {
  set -- "$record"/claims/*
  [ $# -eq 1 ]
}

read_found() {
  IFS=/ read -r _ found_file found_active <"$record/found"
}

is_there() {
  [ "$(shown "$1" LoadState)" != not-found ]
}

is_running() {
  case $(shown "$1" ActiveState) in active | reloading | activating) return 0 ;; esac
  return 1
}

# While the unit's files still exist: stops it if it did not run before.
step_down() {
  if ! is_last_claim || ! is_there "$unit"; then return 0; fi
  read_found
  case $found_active in
    active | reloading | activating) ;;
    *)
      at="unit:$unit stop"
      case $(shown "$unit" ActiveState) in inactive | failed) ;; *) systemctl stop -- "$unit" ;; esac
      systemctl reset-failed -- "$unit" 2>/dev/null || true
      ;;
  esac
  case $found_file in
    enabled) ;;
    *)
      at="unit:$unit disable"
      case $(shown "$unit" UnitFileState) in enabled*) systemctl --quiet disable -- "$unit" ;; esac
      ;;
  esac
}

# After the unit's files are removed or restored.
put_service_back() {
  if ! is_last_claim; then
    restart_when_changed
    rm -f "$record/loaded/$resource" "$own"
    return 0
  fi
  if is_there "$unit"; then
    read_found
    at="unit:$unit enable"
    case $found_file in
      enabled) systemctl --quiet enable -- "$unit" ;;
      enabled-runtime) systemctl --quiet enable --runtime -- "$unit" ;;
      masked) systemctl --quiet mask -- "$unit" ;;
      masked-runtime) systemctl --quiet mask --runtime -- "$unit" ;;
    esac
    at="unit:$unit start"
    case $found_active in
      active | reloading | activating)
        restart_when_changed
        if ! is_running "$unit"; then systemctl start -- "$unit"; fi
        ;;
    esac
  fi
  rm -rf "$services/.old"
  mv -T "$record" "$services/.old"
  rm -rf "$services/.old"
}

restart_when_changed() {
  if [ ! -e "$record/changed" ]; then return 0; fi
  at="unit:$unit restart"
  if is_running "$unit"; then systemctl restart -- "$unit"; fi
  rm -f "$record/changed"
}

note_changed() {
  if [ "$(shown "$unit" NeedDaemonReload)" = yes ]; then : >"$record/changed"; fi
}

# NeedDaemonReload is not sufficient for the rest: systemd does not detect a unit's first drop-in by itself.
take_in_unit_files() {
  each_unwanted note_changed
  at="- daemon-reload"
  systemctl daemon-reload
}

# unit action: stops with the log lines of the unit since $began
fail() {
  journalctl --sync 2>/dev/null || true
  echo "journal $(journalctl --unit="$1" --since="@$began" --lines=15 --no-pager --output=cat 2>/dev/null | base64 -w 0)"
  if is_running "$1"; then echo "serving $1"; fi
  stop "unit:$1" "$2"
}

# unit enabled running change(none, reload or restart) loaded: makes it so
settle_service() {
  at="unit:$1 look"
  began=$(date +%s)
  if ! is_there "$1"; then stop "unit:$1" not-found; fi
  if [ "$2" = true ] || [ "$3" = true ]; then unmask "$1"; fi
  case $(shown "$1" LoadState) in
    bad-setting | error) fail "$1" bad ;;
  esac
  file=$(shown "$1" UnitFileState)
  at="unit:$1 enable"
  case $2/$file in
    true/disabled | true/enabled-runtime | true/linked-runtime) systemctl --quiet enable -- "$1" ;;
    false/enabled | false/enabled-runtime)
      systemctl --quiet disable -- "$1"
      # It may also be enabled until the next boot only, from before.
      case $(shown "$1" UnitFileState) in enabled-runtime) systemctl --quiet disable --runtime -- "$1" ;; esac
      ;;
  esac
  # A process that changes files of the service holds this lock until it is known whether the service accepts them.
  flock 9
  if [ "$3" = true ]; then run_service "$1" "$4"; else rest_service "$1"; fi
  flock -u 9
  at="unit:$1 remember"
  printf '%s\n' "$5" >"$services/$1/.loaded"
  mv -f "$services/$1/.loaded" "$services/$1/loaded/$resource"
}

unmask() {
  at="unit:$1 unmask"
  case $(shown "$1" UnitFileState) in masked) systemctl --quiet unmask -- "$1" ;; esac
  case $(shown "$1" UnitFileState) in masked-runtime) systemctl --quiet unmask --runtime -- "$1" ;; esac
}

rest_service() {
  if ! is_running "$1"; then return 0; fi
  systemctl stop -- "$1" || fail "$1" stop
}

# unit change
run_service() {
  if [ "$(shown "$1" ActiveState)" = active ]; then
    if [ "$2" = none ]; then return 0; fi
    # A restart stops the old process before it is known whether the new one starts. A reload checks that.
    if [ "$(shown "$1" CanReload)" = yes ]; then
      workers=$(nginx_workers "$1")
      systemctl reload -- "$1" || fail "$1" reload
      handed_over "$workers" || fail "$1" reload
      if [ "$2" = reload ]; then return 0; fi
    fi
    systemctl restart -- "$1" || fail "$1" restart
  else
    systemctl reset-failed -- "$1" 2>/dev/null || true
    systemctl start -- "$1" || fail "$1" start
  fi
  stays_up "$1"
}

# A service of these types counts as started before it has done anything: it must last for two seconds.
stays_up() {
  case $(shown "$1" Type) in
    simple | exec | idle) checks=20 ;;
    oneshot)
      if [ "$(shown "$1" ActiveState)" = inactive ]; then stop "unit:$1" oneshot; fi
      checks=1
      ;;
    *) checks=1 ;;
  esac
  invocation=$(shown "$1" InvocationID)
  while [ "$checks" -gt 0 ]; do
    if [ "$(shown "$1" ActiveState)/$(shown "$1" InvocationID)" != "active/$invocation" ]; then fail "$1" died; fi
    checks=$((checks - 1))
    if [ "$checks" -gt 0 ]; then sleep 0.1; fi
  done
}

close_services() {
  at="- close"
  flock 9
  if [ -d "$services" ]; then
    rm -rf "$services/.new" "$services/.old"
    rmdir "$services" 2>/dev/null || true
  fi
  if [ -d "$ledger" ]; then rmdir "$ledger" 2>/dev/null || true; fi
}
