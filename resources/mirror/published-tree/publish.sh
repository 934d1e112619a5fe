# The steps of a publication. If it ends early, the published snapshot is not changed.
#
# Needs functions: step check_settings check_list refuse_planted_links (guard.sh), take_lock discard_damaged
#   discard_unproven publish_tree prune finish (tree.sh), fetch_missing (fetch.sh), make_tree (a kind of tree)
# Needs variables: WORK (scripts.ts)

step check "checking the plan"
check_settings
check_list
refuse_planted_links
take_lock
rm -rf "$WORK/tree" "$WORK/vouched"
mkdir -p "$WORK/tree/public"
step look "checking what is on the host"
discard_damaged
discard_unproven
step fetch "fetching"
fetch_missing
step assemble "assembling the snapshot"
echo "progress assembling the snapshot"
make_tree
publish_tree
prune
finish
