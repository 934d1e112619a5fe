# The stream of a custom image: files below unsigned/ in the work list are clearsigned into the tree.
# Part of a job's script; it uses, in addition to tree.sh,
#   GNUPG     home directory of the signing key
#   KEY       its fingerprint
#
# Defines: make_tree complete_tree list_tree prune_beside restore_tree
# Needs functions: link_from_store switch_to (../published-tree/tree.sh)
# Needs variables: WORK LIST ROOT PINNED (../published-tree/scripts.ts), GNUPG KEY (scripts.ts)

DESTINATIONS='tree unsigned'

make_tree() {
  link_from_store tree "$WORK/tree/public"
  rm -rf "$WORK/unsigned"
  link_from_store unsigned "$WORK/unsigned"
  (cd "$WORK/unsigned" && find . -type f) | while read -r path; do
    mkdir -p "$(dirname "$WORK/tree/public/$path")"
    gpg --homedir "$GNUPG" --batch --quiet --no-tty --local-user "$KEY" --digest-algo SHA512 \
      --clearsign --output "$WORK/tree/public/$path" "$WORK/unsigned/$path"
  done
  gpgconf --homedir "$GNUPG" --kill gpg-agent || true
}

complete_tree() { :; }

# Files in the store were checked when they were added; the signed files are small.
list_tree() {
  awk -F'\t' '$4 ~ /^tree\// { print $1 "\ttrees/'"$1"'/public/" substr($4, 6) }' "$LIST"
  awk -F'\t' '$4 ~ /^unsigned\// { print substr($4, 10) }' "$LIST" | while read -r path; do
    printf '%s\ttrees/%s/public/%s\n' "$(sha256sum <"$ROOT/trees/$1/public/$path" | cut -d' ' -f1)" "$1" "$path"
  done
}

prune_beside() { :; }
restore_tree() { switch_to "$PINNED"; }
