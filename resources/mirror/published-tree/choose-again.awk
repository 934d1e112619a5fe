# Of what a pass left, writes to the file `now` what is tried again, and to `lost` why the rest is not; see choose_again in
# fetch.sh. Reads sha256, size, path, the class where there is one, and the fault, with tabs between them.
BEGIN { printf "" >now }
{ fault = $NF; class = NF > 4 ? $4 : "final" }
!last && (class == "passing" || try == 1 && (class == "spoiled" || class == "stalled")) {
  print $1 FS $2 FS $3 FS class >now
  next
}
{ print fault (try > 1 && class == "passing" ? ", " try " times" : "") >>lost }
