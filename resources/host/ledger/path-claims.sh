# Who declares which path, and what was there before.
#
# $wanted are the records that this resource keeps, in spaces. For each path
# $ledger/paths/<sha256 of the path>/ holds `path`, what was found there at first (`original`, an archive, or
# the marker `absent`) and claims/<resource>, what each resource declares for it. A record is whole or not
# there, it is written before the path is touched, and it goes after the path is put back: a kill at any
# point leaves something that the next run of the same functions carries on from.
#
# A path that does not begin with a slash is no file: a name that resources claim, such as a port.
#
# Tells on standard output, one a line:
#   taken INDEX RESOURCE      another resource declares something else for the path; nothing was changed
#   overtaken INDEX RESOURCE  a resource that shared the path still declares what this one did before
#   began                     from here on the host is changed
#   kept PATH-IN-BASE64       a directory that would have been taken away has something in it
#   stopped INDEX ACTION      where it failed
#
# Defines: stop lock_ledger exists is_directory agree check_claim begin keep_state keep_ancestors claim claim_parent
#   settle_claims place_parent place_directory place_file place_link take_away path_of put_back release_unwanted
#   close_ledger
# Private: on_exit may_overtake keep_original make_ancestors make_way drop_record release_directories
# Needs functions: give_back recover (undo.sh)
# Needs variables: ledger lock resource wanted (path-claims.ts)

paths=$ledger/paths
undo=$ledger/undo
at="- start"
journal=
noting=
aside=
recorded=
taken=

on_exit() {
  status=$?
  if [ -n "$journal" ]; then trap '' HUP INT PIPE TERM; fi
  if [ -n "$aside" ]; then rm -rf -- "$aside"; fi
  if [ "$status" != 0 ] && [ -n "$at" ]; then echo "stopped $at" || true; fi
  if [ -n "$journal" ]; then give_back; fi
  if [ -n "$noting" ]; then rm -rf "$undo.new"; fi
}
trap on_exit EXIT

stop() {
  at="$1 $2"
  exit 1
}

lock_ledger() {
  at="- lock"
  exec 9>"$lock"
  flock -w 300 9
  at="- recover"
  recover
  at="- start"
}

exists() { [ -e "$1" ] || [ -L "$1" ]; }

is_directory() { [ -d "$1" ] && [ ! -L "$1" ]; }

# A directory that is only needed to hold something agrees with whoever declares it in full.
agree() {
  if [ "$1" = "$2" ]; then return 0; fi
  case "$1:$2" in
    parent:directory* | directory*:parent) return 0 ;;
  esac
  return 1
}

# declaration resource: a name is not taken from under another stack. What made a resource ends its name (see
# name-on-hosts.ts).
may_overtake() {
  case $1 in held*) ;; *) return 0 ;; esac
  case $resource in *_of_*_of_*) ;; *) return 1 ;; esac
  [ "${resource#*_of_}" = "${2#*_of_}" ]
}

# index record declaration
check_claim() {
  if [ ! -d "$paths/$2" ]; then return 0; fi
  mine=
  if [ -f "$paths/$2/claims/$resource" ]; then read -r mine <"$paths/$2/claims/$resource"; fi
  for claim in "$paths/$2/claims"/*; do
    other=${claim##*/}
    if [ "$other" = "$resource" ] || [ ! -f "$claim" ]; then continue; fi
    read -r theirs <"$claim"
    if agree "$3" "$theirs"; then continue; fi
    # Those who agreed until now can only change one after the other.
    if [ "$theirs" = "$mine" ] && [ "${theirs%% *}" = "${3%% *}" ] && may_overtake "$3" "$other"; then
      echo "overtaken $1 $other"
    else
      echo "taken $1 $other"
      taken=yes
    fi
  done
}

begin() {
  if [ -n "$taken" ]; then at= && exit 1; fi
  echo began
}

# path archive
keep_original() {
  tar --create --file "$2" --format=posix --no-recursion --numeric-owner --acls --xattrs --xattrs-include='*' \
    --directory "${1%/*}/" -- "./${1##*/}"
}

# path directory: what is there, into original there, or that nothing is
keep_state() {
  case $1 in
    /*) if exists "$1"; then keep_original "$1" "$2/original"; else : >"$2/absent"; fi ;;
    *) : >"$2/absent" ;;
  esac
}

# path archive: the directories it lies in, without what is in them. They may go with a package that brought them.
keep_ancestors() {
  ancestors=$2
  ancestor=${1%/*}
  set --
  while [ -n "$ancestor" ]; do
    if is_directory "$ancestor"; then set -- ".$ancestor" "$@"; fi
    ancestor=${ancestor%/*}
  done
  if [ $# -eq 0 ]; then return 0; fi
  # It says with 1 that something was made in one of them meanwhile, which is nothing that is kept.
  tar --create --file "$ancestors" --format=posix --no-recursion --numeric-owner --acls --xattrs --xattrs-include='*' \
    --warning=no-file-changed --directory / -- "$@" || [ $? -eq 1 ]
}

# path archive: makes the directories it lies in as they were then; 0755 and of root where nobody knows
make_ancestors() {
  if [ -z "${1%/*}" ] || [ -d "${1%/*}/" ]; then return 0; fi
  make_ancestors "${1%/*}" "$2"
  # With the directory above it came what is kept of this one.
  if [ -d "${1%/*}/" ]; then return 0; fi
  mkdir -m 0755 -- "${1%/*}"
  if [ ! -e "$2" ]; then return 0; fi
  # One that was not there then is not in it.
  tar --extract --file "$2" --preserve-permissions --same-owner --numeric-owner --acls --xattrs --xattrs-include='*' \
    --directory / -- ".${1%/*}" 2>/dev/null || true
}

# index record declaration path
claim() {
  at="$1 claim"
  record=$paths/$2
  if [ ! -d "$record" ]; then
    if [ -S "$4" ]; then stop "$1" socket; fi
    rm -rf "$paths/.new"
    mkdir -p "$paths/.new/claims"
    printf '%s' "$4" >"$paths/.new/path"
    keep_state "$4" "$paths/.new"
    if [ -e "$paths/.new/original" ]; then keep_ancestors "$4" "$paths/.new/ancestors"; fi
    printf '%s\n' "$3" >"$paths/.new/claims/$resource"
    mv -T "$paths/.new" "$record"
    recorded=yes
    return 0
  fi
  mine=
  if [ -f "$record/claims/$resource" ]; then read -r mine <"$record/claims/$resource"; fi
  if [ "$mine" != "$3" ]; then
    printf '%s\n' "$3" >"$record/.claim"
    mv -f "$record/.claim" "$record/claims/$resource"
  fi
}

# index record path: a directory that must be there for something in it. One that is there without us is
# no concern of ours.
claim_parent() {
  if [ -d "$3" ] && [ ! -e "$paths/$2/absent" ]; then return 0; fi
  if exists "$3" && [ ! -d "$3" ] && [ ! -f "$paths/$2/claims/$resource" ]; then stop "$1" not-a-directory; fi
  claim "$1" "$2" parent "$3"
}

# The records must last before what they tell of is changed.
settle_claims() {
  at="- record"
  if [ -n "$recorded" ]; then sync -f "$paths"; fi
}

# path: a directory gives way only when nothing is in it but what this resource lets go of.
make_way() {
  if ! is_directory "$1"; then return 0; fi
  if rmdir -- "$1" 2>/dev/null; then return 0; fi
  before=$at
  release_unwanted
  at=$before
  if is_directory "$1"; then rmdir -- "$1"; fi
}

# index path
place_parent() {
  at="$1 mkdir"
  if [ -d "$2" ]; then return 0; fi
  if exists "$2"; then rm -f -- "$2"; fi
  mkdir -m 0755 -- "$2"
}

# index mode owner group path
place_directory() {
  at="$1 mkdir"
  if [ -L "$5" ] && [ -d "$5" ]; then stop "$1" linked-directory; fi
  if exists "$5" && [ ! -d "$5" ]; then rm -f -- "$5"; fi
  if [ ! -d "$5" ]; then mkdir -m 0700 -- "$5"; fi
  at="$1 own"
  chown -- "$3:$4" "$5"
  # The fifth digit makes chmod clear the set-group-ID bit too.
  chmod -- "0$2" "$5"
}

# index record mode owner group path base64
place_file() {
  at="$1 write"
  make_way "$6"
  aside=${6%/*}/.airgapped-maas.$2
  if exists "$aside"; then rm -rf -- "$aside"; fi
  # cat says why it cannot write.
  (set -C && printf '%s' "$7" | base64 -d | cat >"$aside")
  at="$1 own"
  chown -- "$4:$5" "$aside"
  chmod -- "0$3" "$aside"
  at="$1 write"
  sync -- "$aside"
  mv -fT -- "$aside" "$6"
  aside=
}

# index record path target
place_link() {
  at="$1 link"
  make_way "$3"
  aside=${3%/*}/.airgapped-maas.$2
  if exists "$aside"; then rm -rf -- "$aside"; fi
  ln -s -- "$4" "$aside"
  mv -fT -- "$aside" "$3"
  aside=
}

# index path
take_away() {
  at="$1 delete"
  if is_directory "$2"; then stop "$1" directory; fi
  if exists "$2"; then rm -f -- "$2"; fi
}

# record: sets $path; names may end in newlines, which $(...) would drop.
path_of() {
  path=$(cat "$1/path" && echo .)
  path=${path%.}
}

drop_record() {
  rm -rf "$paths/.old"
  mv -T "$1" "$paths/.old"
  rm -rf "$paths/.old"
}

# record: puts back what was found at $path. Fails where a directory with something in it is in the way.
put_back() {
  make_ancestors "$path" "$1/ancestors"
  aside=${path%/*}/.airgapped-maas.${1##*/}
  rm -rf -- "$aside"
  mkdir -m 0700 -- "$aside"
  tar --extract --file "$1/original" --preserve-permissions --same-owner --numeric-owner \
    --acls --xattrs --xattrs-include='*' --directory "$aside"
  original=$aside/${path##*/}
  if is_directory "$original" && is_directory "$path"; then
    chown --reference="$original" -- "$path"
    chmod --reference="$original" -- "$path"
    touch --reference="$original" -- "$path"
  else
    if is_directory "$path"; then rmdir -- "$path"; fi
    # A directory replaces nothing that is not one.
    if is_directory "$original"; then rm -f -- "$path"; fi
    mv -fT -- "$original" "$path"
  fi
  rm -rf -- "$aside"
  aside=
}

# Lets go of what this resource claims and no longer wants; what nobody claims any more is as it was found.
# Directories wait until what is in them is gone.
release_unwanted() {
  at="- release"
  held=
  for own in "$paths"/*/claims/"$resource"; do
    if [ ! -f "$own" ]; then continue; fi
    record=${own%/claims/*}
    case $wanted in *" ${record##*/} "*) continue ;; esac
    set -- "$record"/claims/*
    if [ $# -gt 1 ]; then
      rm -f "$own"
      continue
    fi
    path_of "$record"
    case $path in
      /*) ;;
      *)
        drop_record "$record"
        continue
        ;;
    esac
    if is_directory "$path"; then
      held="$held ${record##*/}"
    elif [ -e "$record/original" ]; then
      put_back "$record"
      drop_record "$record"
    else
      rm -f -- "$path" "${path%/*}/.airgapped-maas.${record##*/}"
      drop_record "$record"
    fi
  done
  release_directories
}

# Inner ones go first: as long as one goes, another may have become empty.
release_directories() {
  going=yes
  while [ -n "$going" ]; do
    going=
    left=
    for name in $held; do
      path_of "$paths/$name"
      if [ -e "$paths/$name/absent" ] && rmdir -- "$path" 2>/dev/null; then
        drop_record "$paths/$name"
        going=yes
      else
        left="$left $name"
      fi
    done
    held=$left
  done
  for name in $held; do
    path_of "$paths/$name"
    if [ -e "$paths/$name/original" ]; then
      put_back "$paths/$name"
    else
      echo "kept $(printf '%s' "$path" | base64 -w 0)"
    fi
    drop_record "$paths/$name"
  done
}

close_ledger() {
  at="- close"
  for remains in "$paths/.new" "$paths/.old"; do
    if [ -d "$remains" ]; then rm -rf "$remains"; fi
  done
  for empty in "$paths" "$ledger"; do
    if [ -d "$empty" ]; then rmdir -- "$empty" 2>/dev/null || true; fi
  done
  flock -u 9
  at="- after"
}
