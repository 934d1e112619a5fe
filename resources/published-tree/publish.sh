# The order of a publication. Whatever ends it early leaves the published tree as it is.

take_lock
rm -rf "$WORK/tree"
mkdir -p "$WORK/tree/public"
discard_damaged
discard_unproven
fetch_missing
echo "progress putting the tree together"
make_tree
publish_tree
prune
finish
