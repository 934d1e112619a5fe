# Refuses a file system that is too small. Reads one line: bytes and number of the new files; and of the file system the free
# blocks, their size, the free inodes and all inodes. `margin` is in MiB; `root` and `mount` are names for messages.
{
  need = $1; files = $2; free = $3 * $4
  if (need + margin * 1048576 > free) {
    besides = margin ? sprintf(" and %d MiB must stay free for reprepro,", margin) : ""
    what = sprintf("%.1f MiB must be fetched%s and %.1f MiB are free", need / 1048576, besides, free / 1048576)
  }
  # File systems without a fixed number of inodes report 0 of 0.
  else if ($6 > 0 && files > $5) what = sprintf("%d files must be fetched and %d inodes are free", files, $5)
  else exit
  printf "fault disk: %s on the file system of %s (%s)\n", what, root, mount
  exit 65
}
