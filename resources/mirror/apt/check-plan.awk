# Compares the files in the indices (first file: sha256, size, path, separated by tabs) with a work list (second file), and
# prints differences as faults.
FILENAME == ARGV[1] {
  if ($3 in at && ++twice <= 10) print "fault " $3 ": would have two contents, since reprepro gives packages other names: use a separate mirror for these suites, or set signing: upstream"
  at[$3]; taken[$1 "\t" $2] = 1
  next
}
$4 ~ /^package\// {
  planned[$1 "\t" $2] = 1
  if (!(($1 "\t" $2) in taken) && ++n <= 10) print "fault " substr($4, 9) ": is planned, but is in no index"
}
END {
  for (file in taken) if (!(file in planned)) { print "fault " file ": is in an index, but was not planned"; exit }
}
