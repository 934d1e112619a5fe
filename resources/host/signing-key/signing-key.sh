# Creates an OpenPGP key in a separate directory, completely or not at all.
#
# It stops and cleans up like path-claims.sh. The key is created in $making, beside $directory. `import_key` reads an
# armored secret key on its standard input.
#
# Defines: need_gpg need_own_place need_room begin_key generate_key import_key set_expiry note_expiry settle_key publish_key
# Private: quietly
# Needs functions: stop (../ledger/path-claims.sh)
# Needs variables: directory making (../signing-key.ts)

quietly() {
  gpg --batch --quiet --no-tty --pinentry-mode loopback --passphrase '' "$@"
}

need_gpg() {
  if ! command -v gpg >/dev/null || ! command -v gpg-agent >/dev/null; then stop - no-gpg; fi
}

# Before anything is claimed: another user who can move a directory above it could put one of his own in the place of the
# new key's directory, and would get the key.
need_own_place() {
  above=${directory%/*}
  while [ -n "$above" ]; do
    if [ -d "$above" ] && [ -n "$(find "$above/" -maxdepth 0 '(' ! -uid 0 -o -perm -0002 ! -perm -1000 ')')" ]; then
      stop - exposed
    fi
    above=${above%/*}
  done
}

# Before anything is claimed: an existing directory with content must not be changed.
need_room() {
  if [ -e "$directory" ] && [ -n "$(ls -A -- "$directory")" ]; then stop - occupied; fi
}

begin_key() {
  at="- key"
  # The agent of an interrupted attempt may run for some seconds, and remove its sockets by name when it ends: so each
  # attempt uses another directory.
  rm -rf -- "$making".* || true
  making=$(mktemp -d -- "$making.XXX")
  aside=$making
  export GNUPGHOME="$making"
}

# user id, expiry
generate_key() {
  quietly --quick-generate-key -- "$1" rsa4096 sign "$2"
}

# fingerprint
import_key() {
  at="- import"
  quietly --import
  if ! quietly --list-secret-keys "$1" >/dev/null; then stop - import; fi
  at="- key"
}

# fingerprint, expiry
set_expiry() {
  at="- expiry"
  quietly --quick-set-expire "$1" "$2"
}

# declared expiry: saved with gpg's date for it, so that it can be recognised.
note_expiry() {
  echo "$1 $(quietly --with-colons --list-keys | awk -F: '$1 == "pub" { print $7; exit }')" >"$GNUPGHOME/declared-expiry"
}

settle_key() {
  gpgconf --kill all
  rm -f -- "$GNUPGHOME"/S.* "$GNUPGHOME"/*.lock "$GNUPGHOME"/.#*
  sync -f "$GNUPGHOME"
}

publish_key() {
  settle_key
  mv -T -- "$making" "$directory"
  aside=
}
