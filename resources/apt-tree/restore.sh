# Serves a kept tree again. Expects, beside what tree.sh and resign.sh do:
#   PINNED    the kept tree's name
# What upstream signed is served as it was. What the mirror signs is signed anew under a new name: apt keeps the newer
# of two roots it has seen, so clients would never follow an old one.

kept=$ROOT/trees/$PINNED
take_lock
if [ ! -e "$kept/summary.json" ]; then
  echo "fault $PINNED: is not among the kept trees: $(ls "$ROOT/trees" | tr '\n' ' ')"
  exit 65
fi
if ! grep -q "\"mode\":\"$MODE\"" "$kept/summary.json"; then
  echo "fault $PINNED: is not a $MODE tree: set the mode it was published in"
  exit 65
fi
faults_of "$kept" >"$WORK/faults"
if [ -s "$WORK/faults" ]; then
  cut -f2- "$WORK/faults" | sed 's/^\([^\t]*\)\t\(.*\)/fault \2: \1/' | head
  exit 65
fi
if [ "$MODE" = verbatim ]; then
  switch_to "$PINNED"
  exit 0
fi

rm -rf "$WORK/tree" "$WORK/headers"
mkdir -p "$WORK/tree" "$WORK/headers"
cp -al "$kept/public" "$WORK/tree/public"
rm "$WORK/tree/public/pool"
HEADERS=$WORK/headers
for suite in $SUITES; do
  sed '/^\(Date\|Valid-Until\|Acquire-By-Hash\|SHA256\):/d; /^ /d' "$kept/public/dists/$suite/Release" >"$HEADERS/$suite"
  write_release "$suite"
done
export_key
awk -F'\t' '$4 ~ /^pool\// { print $1 "\t" $2 "\t" $4 }' "$kept/listing" >"$WORK/pool-files"
PLAN=$(keep_in_store "$kept/plan") CONTENTS=$(keep_in_store "$kept/contents.json")
publish_tree
prune
rm -rf "$WORK"
