# The order of a publication. Whatever ends it early leaves the published snapshot as it is.
#
# Needs functions: step check_settings check_list refuse_planted_links (guard.sh), take_lock discard_damaged
#   discard_unproven publish_tree prune finish (tree.sh), fetch_missing (fetch.sh), make_tree (a kind of tree)
# Needs variables: WORK (scripts.ts)

step "checking what it is to do"
check_settings
check_list
refuse_planted_links
take_lock
rm -rf "$WORK/tree" "$WORK/vouched"
mkdir -p "$WORK/tree/public"
step "looking at what is there"
discard_damaged
discard_unproven
step "fetching"
fetch_missing
step "putting the snapshot together"
echo "progress putting the snapshot together"
make_tree
publish_tree
prune
finish
