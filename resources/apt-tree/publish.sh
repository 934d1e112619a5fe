# The order of a publication. Whatever ends it early leaves the published tree as it is.

take_lock
rm -rf "$WORK/tree"
mkdir -p "$WORK/tree/public" "$ROOT/pool"
discard_damaged
fetch_missing
echo "progress putting the tree together"
link_from_store pool "$ROOT/pool"
case "$MODE" in
  verbatim) link_from_store tree "$WORK/tree/public" ;;
  resigned) resign ;;
esac
publish_tree
prune
rm -rf "$WORK"
