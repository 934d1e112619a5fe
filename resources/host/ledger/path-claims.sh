# Records who declares which path, and its original state.
#
# $wanted are the records that this resource keeps, with spaces around them. For each path
# $ledger/paths/<sha256 of the path>/ contains `path`, its original state (`original`, an archive, or
# the marker `absent`) and claims/<resource>, what each resource declares for it. A record is written
# atomically, before the path is changed, and removed after the path is restored: after a kill at any
# point the next run of the same functions continues from there.
#
# A path that does not begin with a slash is not a file but a name that resources claim, such as a port.
#
# Prints on standard output, one per line:
#   taken INDEX RESOURCE      another resource declares something else for the path; nothing was changed
#   overtaken INDEX RESOURCE  a resource that shared the path still declares this one's previous value
#   began                     the changes of the host begin
#   kept PATH-IN-BASE64       a directory is not removed because it is not empty
#   stopped INDEX ACTION      where it failed
#
# Defines: stop lock_ledger exists is_directory check_claim begin keep_state keep_ancestors claim claim_parent
#   settle_claims place_parent place_directory place_file place_link take_away path_of put_back release_unwanted
#   close_ledger
# Private: on_exit agree may_overtake keep_original make_ancestors make_way enter changed_by_others open_aside close_aside
#   drop_record release_directories
# Needs functions: give_back recover (undo.sh)
# Needs variables: ledger lock resource wanted (path-claims.ts)

paths=$ledger/paths
undo=$ledger/undo
at="- start"
journal=
noting=
aside=
copying=
recorded=
taken=
trying=
me=$(id -u)

on_exit() {
  status=$?
  cd /
  if [ -n "$journal" ]; then trap '' HUP INT PIPE TERM; fi
  if [ -n "$aside" ]; then rm -rf -- "$aside"; fi
  # On a full disk a partial copy would take the space that the next update needs.
  if [ -n "$copying" ]; then
    rm -rf -- "$paths/.new"
    rmdir -- "$paths" "$ledger" 2>/dev/null || true
  fi
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

# A parent directory without a declaration agrees with any full declaration of it.
agree() {
  if [ "$1" = "$2" ]; then return 0; fi
  case "$1:$2" in
    parent:directory* | directory*:parent) return 0 ;;
  esac
  return 1
}

# declaration resource: a name is not taken from another stack. The resource's name ends with its stack and project
# (see name-on-hosts.ts).
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
    # Resources that shared a value can only change it one after the other.
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

# path directory: saves the state of the path into original, or the marker absent
keep_state() {
  case $1 in
    /*) if exists "$1"; then keep_original "$1" "$2/original"; else : >"$2/absent"; fi ;;
    *) : >"$2/absent" ;;
  esac
}

# path archive: saves its parent directories, without their content. The removal of a package may remove them.
keep_ancestors() {
  ancestors=$2
  ancestor=${1%/*}
  set --
  while [ -n "$ancestor" ]; do
    if is_directory "$ancestor"; then set -- ".$ancestor" "$@"; fi
    ancestor=${ancestor%/*}
  done
  if [ $# -eq 0 ]; then return 0; fi
  # The status 1 means that a file was created in one of them meanwhile, which does not matter.
  tar --create --file "$ancestors" --format=posix --no-recursion --numeric-owner --acls --xattrs --xattrs-include='*' \
    --warning=no-file-changed --directory / -- "$@" || [ $? -eq 1 ]
}

# path archive: creates its parent directories as they were; with mode 0755 and owner root if that is not known
make_ancestors() {
  if [ -z "${1%/*}" ] || [ -d "${1%/*}/" ]; then return 0; fi
  make_ancestors "${1%/*}" "$2"
  # It may have been restored with the directory above it.
  if [ -d "${1%/*}/" ]; then return 0; fi
  mkdir -m 0755 -- "${1%/*}"
  if [ ! -e "$2" ]; then return 0; fi
  # The archive has no directories that did not exist then.
  tar --extract --file "$2" --preserve-permissions --same-owner --numeric-owner --acls --xattrs --xattrs-include='*' \
    --directory / -- ".${1%/*}" 2>/dev/null || true
}

# index record declaration path
claim() {
  at="$1 claim"
  record=$paths/$2
  if [ ! -d "$record" ]; then
    if [ -S "$4" ]; then stop "$1" socket; fi
    copying=yes
    rm -rf "$paths/.new"
    mkdir -p "$paths/.new/claims"
    printf '%s' "$4" >"$paths/.new/path"
    keep_state "$4" "$paths/.new"
    if [ -e "$paths/.new/original" ]; then keep_ancestors "$4" "$paths/.new/ancestors"; fi
    printf '%s\n' "$3" >"$paths/.new/claims/$resource"
    mv -T "$paths/.new" "$record"
    copying=
    recorded=yes
    return 0
  fi
  # It stays if an update is killed after it has placed the file, which then does not differ.
  case $4 in /*) if exists "${4%/*}/.airgapped-maas.$2"; then rm -rf -- "${4%/*}/.airgapped-maas.$2"; fi ;; esac
  mine=
  if [ -f "$record/claims/$resource" ]; then read -r mine <"$record/claims/$resource"; fi
  if [ "$mine" != "$3" ]; then
    printf '%s\n' "$3" >"$record/.claim"
    mv -f "$record/.claim" "$record/claims/$resource"
  fi
}

# index record path: a parent directory that must exist. One that exists already, and was not created by us, is not
# claimed.
claim_parent() {
  if [ -d "$3" ] && [ ! -e "$paths/$2/absent" ]; then return 0; fi
  if exists "$3" && [ ! -d "$3" ] && [ ! -f "$paths/$2/claims/$resource" ]; then stop "$1" not-a-directory; fi
  claim "$1" "$2" parent "$3"
}

# The records must be on disk before the paths are changed.
settle_claims() {
  at="- record"
  if [ -n "$recorded" ]; then sync -f "$paths"; fi
}

# path: a directory is replaced only if it contains nothing but paths that this resource releases.
make_way() {
  if ! is_directory "$1"; then return 0; fi
  if rmdir -- "$1" 2>/dev/null; then return 0; fi
  # A trial must not change the ledger, nor files elsewhere.
  if [ -n "$trying" ]; then exit 0; fi
  before=$at
  release_unwanted
  at=$before
  if is_directory "$1"; then rmdir -- "$1"; fi
}

# path: a user who owns the directory above it may put a link there at any time. What is done in the current directory does
# not follow it.
enter() {
  cd -P -- "${1%/*}/" || exit 1
  above=${PWD%/}
  cd -P -- "./${1##*/}" || exit 1
  if [ "$PWD" != "$above/${1##*/}" ]; then changed_by_others "$1"; fi
}

changed_by_others() {
  echo "another user is changing $1" >&2
  exit 1
}

# path record: makes an empty directory beside it, which only this user can change, and enters it.
open_aside() {
  aside=${1%/*}/.airgapped-maas.$2
  if exists "$aside"; then rm -rf -- "$aside"; fi
  mkdir -m 0700 -- "$aside"
  enter "$aside"
  if [ "$(find . -maxdepth 0 -uid "$me" ! -perm /077 -empty)" != . ]; then changed_by_others "$aside"; fi
}

close_aside() {
  cd /
  rm -rf -- "$aside"
  aside=
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
  enter "$5"
  at="$1 own"
  chown -- "$3:$4" .
  # The fifth digit makes chmod clear the set-group-ID bit too.
  chmod -- "0$2" .
  cd /
}

# index record mode owner group path base64
place_file() {
  at="$1 write"
  make_way "$6"
  open_aside "$6" "$2"
  # cat prints why it cannot write.
  printf '%s' "$7" | base64 -d | cat >new
  at="$1 own"
  chown -- "$4:$5" new
  chmod -- "0$3" new
  at="$1 write"
  sync -- new
  mv -fT -- new "../${6##*/}"
  close_aside
}

# index record path target
place_link() {
  at="$1 link"
  make_way "$3"
  open_aside "$3" "$2"
  ln -sT -- "$4" new
  mv -fT -- new "../${3##*/}"
  close_aside
}

# index path
take_away() {
  at="$1 delete"
  if is_directory "$2"; then stop "$1" directory; fi
  if exists "$2"; then rm -f -- "$2"; fi
}

# record: sets $path. A name may end in newlines, which $(...) would remove.
path_of() {
  path=$(cat "$1/path" && echo .)
  path=${path%.}
}

drop_record() {
  rm -rf "$paths/.old"
  mv -T "$1" "$paths/.old"
  rm -rf "$paths/.old"
}

# record: restores the original state of $path. Fails if a directory with content is there.
put_back() {
  make_ancestors "$path" "$1/ancestors"
  open_aside "$path" "${1##*/}"
  tar --extract --file "$1/original" --preserve-permissions --same-owner --numeric-owner \
    --acls --xattrs --xattrs-include='*'
  leaf=${path##*/}
  if is_directory "./$leaf" && is_directory "../$leaf"; then
    # With five digits, as in place_directory.
    was=$(stat -c '%u:%g 00%a @%.9X @%.9Y' -- "./$leaf")
    enter "../$leaf"
    chown -- "${was%% *}" .
    was=${was#* }
    chmod -- "${was%% *}" .
    was=${was#* }
    touch -a -d "${was% *}" .
    touch -m -d "${was#* }" .
  else
    if is_directory "../$leaf"; then rmdir -- "../$leaf"; fi
    # A directory cannot replace a file.
    if is_directory "./$leaf"; then rm -f -- "../$leaf"; fi
    mv -fT -- "./$leaf" "../$leaf"
  fi
  close_aside
}

# Releases the paths that this resource claims and no longer declares. A path without claims is restored.
# Directories are handled after their contents.
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
      rm -f -- "$path"
      rm -rf -- "${path%/*}/.airgapped-maas.${record##*/}"
      drop_record "$record"
    fi
  done
  release_directories
}

# Inner ones first: while one is removed, another may have become empty.
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
