# Installs the Debian packages that a resource declares, and removes those that are no longer declared.
#
# $wanted is `name` or `name=version`, separated by spaces; empty: no packages any more.
# $ledger/packages/ contains
#   claims/<resource>  the packages of each resource
#   installed          `name purge` or `name remove`: packages installed for resources, dependencies included,
#                      and how to remove them (a package removed before but not purged had left files)
#   manual             packages that apt marks as manually installed because of us
#   transaction        `removed NAME` for packages that were removed before but not purged, and what apt is about to
#                      do for us, in its own format (DPkg::Pre-Install-Pkgs, version 3; see apt.conf(5))
# All of it is written before the host is changed.
#
# The output is progress, except lines that begin with
#   stays NAME               installed by us, but other packages need it now
#   available NAME VERSIONS  the available versions, if the declared one is not
#   missing NAME             apt installs other packages for this name, or succeeded without installing it
#
# Private: apt configure_pending simulate packages present settle both without open_ledger close_ledger heal update
#   needed plan unplanned explain_versions remember_transaction install_needed install_now mark_manual release_unwanted
#   still_installed removals take_away
# Needs variables: ledger lock wanted resource (../packages.ts)

set -eu
umask 077
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_SUSPEND=1
own=$ledger/packages
native=$(dpkg --print-architecture)
patience=300

# Scripts of packages may start processes that stay: these must not hold our lock. apt would use the name of a package that
# does not exist as a regular expression (apt-get(8)).
apt() {
  (umask 022 && exec 8>&- && exec apt-get -q -y -o DPkg::Lock::Timeout=$patience -o Dpkg::Use-Pty=0 \
    -o APT::Cmd::Pattern-Only=true \
    -o APT::Keep-Downloaded-Packages=false \
    -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef "$@")
}

configure_pending() {
  (umask 022 && exec 8>&- && exec dpkg --force-confold --force-confdef --configure -a)
}

simulate() {
  apt -s --no-install-recommends "$@"
}

# state of packages: `name status version`, the name as apt writes it
packages() {
  dpkg-query -W -f='${Package} ${Architecture} ${db:Status-Status} ${Version}\n' "$@" 2>/dev/null |
    awk -v native="$native" '{ print ($2 == native || $2 == "all" ? $1 : $1 ":" $2), $3, $4 }' || true
}

present() {
  packages | awk '$2 != "not-installed" && $2 != "config-files" { print $1 }' | sort -u
}

# file: replaces it atomically with the standard input
settle() {
  cat >"$1.new"
  sync -- "$1.new"
  mv -f "$1.new" "$1"
}

# prints lines of the first list (one argument) that are, or are not, in the second
both() { printf '%s\n' "$1" | grep -Fx -e "$2" || true; }
without() { printf '%s\n' "$1" | { if [ -n "$2" ]; then grep -Fxv -e "$2" || true; else cat; fi; } | sed '/^$/d'; }

open_ledger() {
  exec 8>"$lock.packages"
  if ! flock -n 8; then
    echo "waiting for another package change on this host"
    flock 8
  fi
  (flock 9 && mkdir -p "$own/claims") 9>"$lock"
  touch "$own/installed" "$own/manual"
  remember_transaction
}

close_ledger() {
  if [ -z "$wanted" ]; then rm -f "$own/claims/$resource"; fi
  if [ -z "$(ls "$own/claims")" ]; then
    sed 's/^\([^ ]*\) .*/stays \1/' "$own/installed"
    (flock 9 && rm -rf "$own" && { rmdir "$ledger" 2>/dev/null || true; }) 9>"$lock"
  fi
}

# Completes an interrupted installation.
heal() {
  if [ -z "$(dpkg --audit)" ] && [ -z "$(ls /var/lib/dpkg/updates 2>/dev/null)" ]; then return 0; fi
  echo "completing an interrupted installation"
  waited=0
  while ! said=$(configure_pending 2>&1); do
    printf '%s\n' "$said"
    case $said in *"locked by another process"*) ;; *) break ;; esac
    if [ "$waited" -ge "$patience" ]; then exit 1; fi
    waited=$((waited + 1))
    sleep 1
  done
  apt --no-remove --fix-broken install
}

# apt waits for dpkg's lock, but not for the lock of its lists.
update() {
  waited=0
  while ! said=$(apt update 2>&1); do
    case $said in *"Could not get lock"*) ;; *) break ;; esac
    if [ "$waited" -ge "$patience" ]; then break; fi
    waited=$((waited + 1))
    sleep 1
  done
  printf '%s\n' "$said"
}

# Prints the part of $wanted that is not installed yet.
needed() {
  for want in $wanted; do
    name=${want%%=*}
    found=$(packages "$name" | awk -v name="$name" '$1 == name && $2 == "installed" { print $3 }')
    if [ -z "$found" ]; then
      echo "$want"
    elif [ "$want" != "$name" ] && [ "$want" != "$name=$found" ]; then
      echo "$want"
    fi
  done
}

plan() {
  # shellcheck disable=SC2086 # names of packages are words
  simulate --no-remove --allow-downgrades install $1 2>&1
}

# unplanned NEEDS PLAN: prints the names for which apt would install other packages: virtual ones, and `NAME+`, which apt
# reads as an action.
unplanned() {
  for want in $1; do
    name=${want%%=*}
    case $(packages "$name" | awk '{ print $2 }') in unpacked | half-* | triggers-*) continue ;; esac
    printf '%s\n' "$2" | awk -v name="$name" '($1 == "Inst" || $1 == "Conf") && $2 == name { found = 1 } END { exit !found }' ||
      echo "$name"
  done
}

explain_versions() {
  for want in $1; do
    case $want in
      *=*) echo "available ${want%%=*} $(apt-cache madison "${want%%=*}" | awk -F ' *[|] *' '{ print $2 }' | sort -u | tr '\n' ' ')" ;;
    esac
  done
}

# Other processes may install packages while we wait for dpkg's lock. Only what apt reports after it has the lock is
# ours.
remember_transaction() {
  if [ ! -e "$own/transaction" ]; then return 0; fi
  new=$(awk -v native="$native" '$2 == "-" && $5 == "<" && NF >= 9 {
    print ($7 == native || $7 == "all" ? $1 : $1 ":" $7)
  }' "$own/transaction" | sort -u)
  known=$(sed 's/ .*//' "$own/installed")
  {
    cat "$own/installed"
    for name in $(without "$new" "$known"); do
      if grep -qFx "removed $name" "$own/transaction"; then echo "$name remove"; else echo "$name purge"; fi
    done
  } | settle "$own/installed"
  # An interrupted apt has not marked any of these as automatic.
  { cat "$own/manual" && printf '%s\n' "$new"; } | sed '/^$/d' | sort -u | settle "$own/manual"
  rm -f "$own/transaction"
}

install_needed() {
  needs=$(needed | tr '\n' ' ')
  if [ -z "$needs" ]; then return 0; fi
  if ! planned=$(plan "$needs"); then
    update
    if ! planned=$(plan "$needs"); then
      printf '%s\n' "$planned"
      case $planned in *"was not found"*) explain_versions "$needs" ;; esac
      exit 1
    fi
  fi
  missing=$(unplanned "$needs" "$planned")
  if [ -n "$missing" ]; then
    printf '%s\n' "$missing" | sed 's/^/missing /'
    exit 1
  fi
  packages | awk '$2 == "config-files" { print "removed", $1 }' | settle "$own/transaction"
  # shellcheck disable=SC2086 # names of packages are words
  if ! install_now $needs; then
    update
    install_now $needs
  fi
  remember_transaction
  missing=$(needed)
  if [ -n "$missing" ]; then
    printf '%s\n' "$missing" | sed 's/=.*//; s/^/missing /'
    exit 1
  fi
}

install_now() {
  apt --no-install-recommends --no-remove --allow-downgrades \
    -o DPkg::Pre-Install-Pkgs::="cat >>'$own/transaction' && sync -- '$own/transaction'" \
    -o DPkg::Tools::Options::cat::Version=3 install "$@"
}

# Declared packages must not be removed together with packages that once needed them.
mark_manual() {
  if [ -z "$wanted" ]; then return 0; fi
  # shellcheck disable=SC2046,SC2086 # names of packages are words
  automatic=$(apt-mark showauto $(printf '%s\n' $wanted | sed 's/=.*//'))
  if [ -z "$automatic" ]; then return 0; fi
  { cat "$own/manual" && printf '%s\n' "$automatic"; } | sort -u | settle "$own/manual"
  # shellcheck disable=SC2086 # names of packages are words
  apt-mark manual $automatic
}

release_unwanted() {
  claimed=$(cat "$own/claims"/* 2>/dev/null | sort -u)
  here=$(present)
  released=$(without "$(cat "$own/manual")" "$claimed")
  there=$(both "$released" "$here")
  # shellcheck disable=SC2086 # names of packages are words
  if [ -n "$there" ]; then apt-mark auto $there >/dev/null; fi
  without "$(cat "$own/manual")" "$released" | settle "$own/manual"
  ours=$(both "$(without "$(sed 's/ .*//' "$own/installed")" "$claimed")" "$here")
  if [ -n "$ours" ]; then take_away "$ours"; fi
  here=$(present)
  still_installed "$here" | settle "$own/installed"
}

# names: prints those installed for resources, with how to remove them
still_installed() {
  while read -r name how; do
    if [ -n "$(both "$name" "$1")" ]; then echo "$name $how"; fi
  done <"$own/installed"
}

removals() {
  sed -n 's/^\(Remv\|Purg\) \([^ ]*\) .*/\2/p' | sort -u
}

# names: removes those that no other remaining package needs.
take_away() {
  unneeded=$(simulate -o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false \
    autoremove | removals)
  going=$(both "$1" "$unneeded")
  if [ -z "$going" ]; then return 0; fi
  # shellcheck disable=SC2086 # names of packages are words
  if [ -n "$(without "$(simulate purge $going | removals)" "$going")" ]; then
    # A package that is not ours, and that is not needed either, depends on some of them.
    for name in $going; do
      if [ -n "$(without "$(simulate purge "$name" | removals)" "$1")" ]; then going=$(without "$going" "$name"); fi
    done
    if [ -z "$going" ]; then return 0; fi
  fi
  purge=
  remove=
  for name in $going; do
    if grep -qFx "$name remove" "$own/installed"; then remove="$remove $name"; else purge="$purge $name"; fi
  done
  # shellcheck disable=SC2086 # names of packages are words
  if [ -n "$remove" ]; then apt remove $remove; fi
  # shellcheck disable=SC2086 # names of packages are words
  if [ -n "$purge" ]; then apt purge $purge; fi
}

open_ledger
# shellcheck disable=SC2086 # names of packages are words
printf '%s\n' $wanted | sed 's/=.*//; /^$/d' | settle "$own/claims/$resource"
# If another package cannot be completed, ours may still be.
heal || echo "the interrupted installation cannot be completed"
install_needed
mark_manual
release_unwanted
close_ledger
