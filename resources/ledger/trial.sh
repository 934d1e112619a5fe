# Tries a change where nobody else sees it: in a mount namespace of its own, in which what is written to /etc goes to
# memory. What it says is what undo.sh says of a change that a service does not take; nothing where it cannot be tried.
# Expects path-claims.sh and undo.sh.

# Leaves, without a word, where this cannot be had.
hide_etc() {
  {
    mount -t tmpfs -o mode=0700 airgapped-maas /mnt &&
      mkdir /mnt/upper /mnt/work &&
      mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work airgapped-maas /etc
  } 2>/dev/null || exit 0
  [ "$(findmnt -n -o SOURCE --mountpoint /etc)" = airgapped-maas ] || exit 0
}

# What the change would let go of.
give_up_unwanted() {
  for own in "$paths"/*/claims/"$resource"; do
    if [ ! -f "$own" ]; then continue; fi
    record=${own%/claims/*}
    case $wanted in *" ${record##*/} "*) continue ;; esac
    set -- "$record"/claims/*
    path_of "$record"
    case $#$path in 1/etc/*) ;; *) continue ;; esac
    if is_directory "$path"; then continue; fi
    if [ -e "$record/original" ]; then put_back "$record"; else rm -f -- "$path"; fi
  done
}

# unit: asks the service; one that is not installed yet has nothing to say
try_unit() {
  command=$(command_of "$1")
  if ! command -v "${command%% *}" >/dev/null || text=$(sh -c "$command" 9>&- 2>&1); then return 0; fi
  echo "rejected $1 check $(printf '%s' "$text" | base64 -w 0)"
}

# unit: outside of the trial, whether it would take what is there now
compare_unit() {
  command=$(command_of "$1")
  if text=$(sh -c "$command" 9>&- 2>&1); then return 0; fi
  echo "already $1 $(printf '%s' "$text" | base64 -w 0)"
  blame "$text"
}
