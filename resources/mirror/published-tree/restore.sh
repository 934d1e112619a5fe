# Serves a kept snapshot again, if it is complete or can be repaired from the store. It uses, in addition to tree.sh,
#   PINNED    the kept snapshot's name
#
# Needs functions: step check_settings refuse_planted_links tree_names (guard.sh), take_lock faults_of mendable mend
#   finish (tree.sh), restore_tree (a kind of tree)
# Needs variables: ROOT PINNED WORK (scripts.ts)

step check "checking the plan"
check_settings
refuse_planted_links
kept=$ROOT/trees/$PINNED
take_lock
if [ ! -e "$kept/summary.json" ]; then
  echo "fault $PINNED: is not among the kept snapshots: $(tree_names | tr '\n' ' ')"
  exit 65
fi
# It is repaired completely or not at all.
faults_of "$kept" | while IFS="$(printf '\t')" read -r sha why path; do
  mendable "$sha" "$path" || printf '%s\t%s\n' "$why" "$path"
done >"$WORK/faults"
if [ -s "$WORK/faults" ]; then
  sed 's/^\([^\t]*\)\t\(.*\)/fault \2: \1/' "$WORK/faults" | head
  exit 65
fi
step repair "repairing the snapshot"
mend "$kept"
restore_tree "$kept"
finish
