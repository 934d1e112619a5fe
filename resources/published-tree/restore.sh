# Serves a kept tree again, when it is whole or the store makes it so. Expects, beside what tree.sh does:
#   PINNED    the kept tree's name

kept=$ROOT/trees/$PINNED
take_lock
if [ ! -e "$kept/summary.json" ]; then
  echo "fault $PINNED: is not among the kept trees: $(ls "$ROOT/trees" | tr '\n' ' ')"
  exit 65
fi
mend "$kept"
faults_of "$kept" >"$WORK/faults"
if [ -s "$WORK/faults" ]; then
  cut -f2- "$WORK/faults" | sed 's/^\([^\t]*\)\t\(.*\)/fault \2: \1/' | head
  exit 65
fi
restore_tree
finish
