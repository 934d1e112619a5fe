# Holds what the indices list (first file: sha256, size, path, with tabs between them) against a work list (second file), and
# prints what differs as faults.
FILENAME == ARGV[1] {
  if ($3 in at && ++twice <= 10) print "fault " $3 ": would have two contents, since reprepro names packages anew: mirror these suites apart, or set signing: upstream"
  at[$3]; taken[$1 "\t" $2] = 1
  next
}
$4 ~ /^package\// {
  planned[$1 "\t" $2] = 1
  if (!(($1 "\t" $2) in taken) && ++n <= 10) print "fault " substr($4, 9) ": is planned, and is in no index"
}
END {
  for (file in taken) if (!(file in planned)) { print "fault " file ": is in an index, and was not planned"; exit }
}
