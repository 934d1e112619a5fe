import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { closureOf } from "./archive/downloads.ts";
import { command } from "./command.ts";
import type { LabHost } from "./hosts.ts";
import { locked } from "./lock.ts";
import { machineSources } from "./machine-apt.ts";
import { sharedPaths } from "./paths.ts";

/** The packages that every host has from the start. */
const basePackages = [
  "systemd",
  "systemd-sysv",
  "dbus",
  "openssh-server",
  "iproute2",
  "ca-certificates",
  "sudo",
  "gnupg",
  "python3",
  "curl",
];

/** The additional packages of `upstream`. */
const upstreamPackages = ["nginx", "dnsmasq"];

/** What an installer or an administrator does in a real installation, in the new root file system `$1`. */
const customize = `
set -e
chroot "$1" useradd --create-home --shell /bin/bash --password '*' ops
rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/etc/resolv.conf
rm -rf "$1"/var/lib/apt/lists/*
: > "$1"/etc/machine-id
for unit in apt-daily.timer apt-daily-upgrade.timer console-getty.service getty.target systemd-networkd.service systemd-timesyncd.service; do
  ln -sf /dev/null "$1"/etc/systemd/system/$unit
done
`;

/** The same for `upstream`: its servers start with the lab's configuration, not with Debian's. */
const customizeUpstream = `
set -e
rm -f "$1"/etc/nginx/sites-enabled/default
rm -rf "$1"/tmp/* "$1"/var/cache/apt/archives/*.deb
`;

/** The overlay's lower directories of a host, in the format of mount(8), e.g. `/a/upstream:/a/base`. */
export async function lowerDirectories(host: LabHost): Promise<string> {
  const base = await baseRootfs();
  return host.image === "base" ? base : `${await upstreamLayer(base)}:${base}`;
}

/** Makes the Debian root file system, once for each recipe, and returns its directory. */
async function baseRootfs(): Promise<string> {
  const digest = digestOf([...basePackages, customize]);
  const target = join(sharedPaths.rootfs, digest, "base");
  return await madeOnce(target, async (directory) => {
    const sources = join(sharedPaths.rootfs, `${digest}.sources`);
    const hook = join(sharedPaths.rootfs, `${digest}.hook`);
    writeFileSync(sources, machineSources());
    writeFileSync(hook, `#!/bin/sh\n${customize}`, { mode: 0o755 });
    await command([
      "mmdebstrap",
      "--quiet",
      "--variant=minbase",
      `--include=${basePackages.join(",")}`,
      `--customize-hook=${hook}`,
      codename(),
      directory,
      sources,
    ]);
    rmSync(sources);
    rmSync(hook);
  });
}

/** Makes the overlay layer of `upstream` above the base: packages that dpkg installs in a private mount. */
async function upstreamLayer(base: string): Promise<string> {
  const digest = digestOf([base, ...upstreamPackages, customizeUpstream]);
  const target = join(sharedPaths.rootfs, digest, "upstream");
  return await madeOnce(target, async (directory) => {
    const debs = await closureOf(upstreamPackages);
    mkdirSync(directory);
    const script = `
set -e
mount --make-rprivate /
mkdir -p "$1.work" "$1.root"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1,workdir=$1.work" "$1.root"
root="$1.root"
printf '#!/bin/sh\\nexit 101\\n' > "$root/usr/sbin/policy-rc.d"; chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"
mkdir "$root/tmp/debs"; shift 2; 
for deb in "$@"; do
  package=$(dpkg-deb -f "$deb" Package)
  chroot "$root" dpkg-query -W -f '\${Status}' "$package" 2>/dev/null | grep -q ' installed$' || cp "$deb" "$root/tmp/debs/"
done
DEBIAN_FRONTEND=noninteractive chroot "$root" sh -c 'dpkg --install /tmp/debs/*.deb'
rm -rf "$root/tmp/debs" "$root/usr/sbin/policy-rc.d"
set -- "$root"
${customizeUpstream}
umount "$root/proc"
umount "$root"
rmdir "$root"
`;
    try {
      await command(["unshare", "--mount", "sh", "-c", script, "sh", directory, base, ...debs]);
    } finally {
      rmSync(`${directory}.work`, { recursive: true, force: true });
    }
  });
}

/** Runs `make` on a temporary directory and renames it, so a killed process leaves no incomplete target. */
async function madeOnce(target: string, make: (directory: string) => Promise<void>): Promise<string> {
  if (existsSync(target)) return target;
  mkdirSync(join(target, ".."), { recursive: true });
  return await locked(`${target}.lock`, async () => {
    if (existsSync(target)) return target;
    const making = `${target}.making`;
    rmSync(making, { recursive: true, force: true });
    await make(making);
    renameSync(making, target);
    return target;
  });
}

function digestOf(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 12);
}

function codename(): string {
  return /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
}
