#!/bin/sh
# Keeps one host of the lab running: its disk, its boots, its reboots. Runs in mount and network namespaces
# of its own, so all mounts and interfaces end with it, however it ends. Starts when told so on its input.
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
# systemd-nspawn leaves files in /run: they go into one that ends with this script.
mount -t tmpfs -o mode=755 lab-run /run
mkdir -p "$directory/upper" "$directory/work" "$directory/root"
# volatile: what a host syncs reaches this machine's page cache, which outlives the host; the lab's disk is not made to
# keep up, nor is a boot or an installation held up by whatever else this machine writes.
mount -t overlay lab-overlay -o "volatile,lowerdir=$lower,upperdir=$directory/upper,workdir=$directory/work" "$directory/root"

read -r go
[ "$go" = go ]

while :; do
  code=0
  # The unified hierarchy works inside whatever this machine has itself (hybrid, or unified). The network's settings
  # are of the host's own namespace, so it may change them.
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network systemd-nspawn --quiet --boot \
    --directory="$directory/root" --network-namespace-path="/proc/$$/ns/net" --register=no --keep-unit \
    --machine="$hostname" --hostname="$hostname" --kill-signal=SIGRTMIN+3 --resolv-conf=off --timezone=off \
    --link-journal=no --console=pipe "$@" < /dev/null || code=$?
  # 133 asks for a reboot; anything else is the end.
  [ "$code" = 133 ] || exit "$code"
done
