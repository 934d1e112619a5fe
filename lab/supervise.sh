#!/bin/sh
# Runs one host of the lab: mounts its disk, boots it, and boots it again after a reboot. Runs in separate mount and
# network namespaces, so all mounts and interfaces are removed when it ends. Waits for a line on its input to start.
# usage: supervise.sh CGROUP DIRECTORY LOWERDIRS HOSTNAME [further arguments of systemd-nspawn]
set -eu
cgroup=$1 directory=$2 lower=$3 hostname=$4
shift 4

for hierarchy in /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup; do
  if [ -e "$hierarchy/cgroup.procs" ]; then
    mkdir -p "$hierarchy/$cgroup"
    echo $$ > "$hierarchy/$cgroup/cgroup.procs"
  fi
done

mount --make-rprivate /
# Disks of other labs in memory (lab.ts): they must be free when those labs end.
awk -v own="${directory%/*}" '$1 == "lab-disks" && $2 != own { print $2 }' /proc/self/mounts |
  while read -r disks; do umount "$disks"; done
# systemd-nspawn leaves files in /run. This /run is removed when the script ends.
mount -t tmpfs -o mode=755 lab-run /run
mkdir -p "$directory/upper" "$directory/work" "$directory/root"
# volatile: a sync on the host ends in this machine's page cache, which remains when the host ends. Boots and
# installations then do not wait for other disk writes of this machine.
mount -t overlay lab-overlay -o "volatile,lowerdir=$lower,upperdir=$directory/upper,workdir=$directory/work" "$directory/root"

read -r go
[ "$go" = go ]

while :; do
  code=0
  # The unified hierarchy works with a hybrid or a unified hierarchy on this machine. The network's settings belong to
  # the host's own namespace, so the host may change them.
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network systemd-nspawn --quiet --boot \
    --directory="$directory/root" --network-namespace-path="/proc/$$/ns/net" --register=no --keep-unit \
    --machine="$hostname" --hostname="$hostname" --kill-signal=SIGRTMIN+3 --resolv-conf=off --timezone=off \
    --link-journal=no --console=pipe "$@" < /dev/null || code=$?
  # 133 requests a reboot. Any other code ends the host.
  [ "$code" = 133 ] || exit "$code"
done
