# Refuses a file system that is too small. Reads in one line: bytes and files that are to come; and of the file system the
# free blocks, their size, the free inodes and all of them. `margin` is in MiB, `root` and `mount` are names for people.
{
  need = $1; files = $2; free = $3 * $4
  if (need + margin * 1048576 > free) {
    besides = margin ? sprintf(" and %d MiB to stay free for reprepro,", margin) : ""
    what = sprintf("%.1f MiB are to be fetched%s and %.1f MiB are free", need / 1048576, besides, free / 1048576)
  }
  # Some file systems have as many as they need, and say 0 of 0.
  else if ($6 > 0 && files > $5) what = sprintf("%d files are to be fetched and %d inodes are free", files, $5)
  else exit
  printf "fault disk: %s on the file system of %s (%s)\n", what, root, mount
  exit 65
}
