# Reloads a running service after a change of its files.
#
# Defines: nginx_workers handed_over take_in
# Private: takes_requests

# nginx reports a reload before it has finished: workers with the old configuration accept requests for a while.
nginx_workers() {
  cat "/proc/$(systemctl show --property=MainPID --value -- "$1")/task/"*/children 2>/dev/null | tr -s ' ' '\n' | while read -r worker; do
    if takes_requests "$worker"; then echo "$worker"; fi
  done
}

# A worker that only finishes its requests has that in its title.
takes_requests() {
  title=$(tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline") || return 1
  case $title in
    "nginx: worker process is shutting down"*) return 1 ;;
    "nginx: worker process"*) return 0 ;;
  esac
  return 1
}

# workers: waits until none of these accepts requests; if the new configuration cannot be used after all, they stay
handed_over() {
  checks=100
  for worker in $1; do
    while takes_requests "$worker"; do
      checks=$((checks - 1))
      if [ "$checks" -le 0 ]; then return 1; fi
      sleep 0.1
    done
  done
}

# unit: reloads it, if it runs
take_in() {
  began=$(date +%s)
  if [ "$(systemctl show --property=ActiveState --value -- "$1")" != active ]; then return 0; fi
  workers=$(nginx_workers "$1")
  if systemctl reload -- "$1" 9>&- && handed_over "$workers"; then return 0; fi
  journalctl --sync 2>/dev/null || true
  journalctl --unit="$1" --since="@$began" --lines=15 --no-pager --output=cat 2>/dev/null
  return 1
}
