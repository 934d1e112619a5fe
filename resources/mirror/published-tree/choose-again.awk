# Writes failed files that are tried again to the file `now`, and the faults of the others to `lost`; see choose_again in
# fetch.sh. Reads sha256, size, path, the class if there is one, and the fault, separated by tabs.
BEGIN { printf "" >now }
{ fault = $NF; class = NF > 4 ? $4 : "final" }
!last && (class == "passing" || try == 1 && (class == "spoiled" || class == "stalled")) {
  print $1 FS $2 FS $3 FS class >now
  next
}
{ print fault (try > 1 && class == "passing" ? ", " try " times" : "") >>lost }
