# Serves a kept snapshot again, when it is whole or the store makes it so. Expects, beside what tree.sh does:
#   PINNED    the kept snapshot's name

step "checking what it is to do"
check_settings
refuse_planted_links
kept=$ROOT/trees/$PINNED
take_lock
if [ ! -e "$kept/summary.json" ]; then
  echo "fault $PINNED: is not among the kept snapshots: $(tree_names | tr '\n' ' ')"
  exit 65
fi
# All of it is mended or nothing.
faults_of "$kept" | while IFS="$(printf '\t')" read -r sha why path; do
  mendable "$sha" "$path" || printf '%s\t%s\n' "$why" "$path"
done >"$WORK/faults"
if [ -s "$WORK/faults" ]; then
  sed 's/^\([^\t]*\)\t\(.*\)/fault \2: \1/' "$WORK/faults" | head
  exit 65
fi
step "putting the snapshot right"
mend "$kept"
restore_tree "$kept"
finish
