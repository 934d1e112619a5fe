# Tries a change in a separate mount namespace, in which writes to /etc go to memory. It prints the same lines as
# undo.sh for a change that a service refuses, and nothing if the change cannot be tried.
#
# Defines: hide_etc need_hidden give_up_unwanted note_complaints need_candour try_unit compare_unit
# Private: complaint_of
# Needs functions: path_of is_directory put_back (path-claims.sh), command_of (path-claims.ts), blame (undo.sh)
# Needs variables: paths path (path-claims.sh), resource wanted (path-claims.ts)

# Exits without output if this is not possible. The overlay would show what is mounted below /etc as empty directories.
hide_etc() {
  trying=yes
  if findmnt -n -r -o TARGET | grep -q '^/etc/'; then exit 0; fi
  {
    mount -t tmpfs -o mode=0700 airgapped-maas /mnt &&
      mkdir /mnt/upper /mnt/work &&
      mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work airgapped-maas /etc
  } 2>/dev/null || exit 0
  [ "$(findmnt -n -o SOURCE --mountpoint /etc)" = airgapped-maas ] || exit 0
}

# path: exits without output if a link leads from its directory out of /etc, to files that are not hidden. An earlier step
# of the trial may have made that link.
need_hidden() {
  case $(readlink -n -m -- "${1%/*}" && echo .) in
    /etc. | /etc/*) ;;
    *) exit 0 ;;
  esac
}

# Releases what the change would release.
give_up_unwanted() {
  for own in "$paths"/*/claims/"$resource"; do
    if [ ! -f "$own" ]; then continue; fi
    record=${own%/claims/*}
    case $wanted in *" ${record##*/} "*) continue ;; esac
    set -- "$record"/claims/*
    path_of "$record"
    case $#$path in 1/etc/*) ;; *) continue ;; esac
    need_hidden "$path"
    if is_directory "$path"; then continue; fi
    if [ -e "$record/original" ]; then put_back "$record"; else rm -f -- "$path"; fi
  done
}

# unit: prints the service's error for the current files; nothing if it accepts them, or is not installed yet
complaint_of() {
  command=$(command_of "$1")
  if ! command -v "${command%% *}" >/dev/null; then return 0; fi
  if text=$(sh -c "$command" 9>&- 2>&1); then return 0; fi
  printf '%s\n' "${text:-it failed without output}"
}

# units: before the trial, finds those that already report errors
note_complaints() {
  complaining=" "
  for unit in $1; do
    if [ -n "$(complaint_of "$unit")" ]; then complaining="$complaining$unit "; fi
  done
  export complaining
}

# unit: a service that reports an error only in this namespace (an AppArmor profile may deny files in memory) cannot
# be checked here.
need_candour() {
  case $complaining in *" $1 "*) return 0 ;; esac
  if [ -n "$(complaint_of "$1")" ]; then exit 0; fi
}

# unit: checks the service
try_unit() {
  text=$(complaint_of "$1")
  if [ -n "$text" ]; then echo "rejected $1 check $(printf '%s' "$text" | base64 -w 0)"; fi
}

# unit: outside of the trial, prints previous errors
compare_unit() {
  case $complaining in *" $1 "*) ;; *) return 0 ;; esac
  text=$(complaint_of "$1")
  echo "already $1 $(printf '%s' "$text" | base64 -w 0)"
  blame "$text"
}
