import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { archiveKey } from "../archive/openpgp-key.ts";
import type { VersionName } from "../maas/versions.ts";
import { repository } from "../paths.ts";

/**
 * The file on the host `maas` with the service's environment: its release, and the keys of a new
 * installation.
 */
export const environmentFile = "/etc/maas-stand-in/environment";

const programs = "/usr/local/lib/maas-stand-in";

/**
 * The workstation's files that systemd-nspawn mounts on the host `maas`: Node.js, and the stand-in's sources.
 */
export function maasBinds(): string[] {
  return [
    `--bind-ro=${process.execPath}:${programs}/node`,
    `--bind-ro=${join(repository, "package.json")}:${programs}/package.json`,
    `--bind-ro=${join(repository, "lab", "maas")}:${programs}/maas`,
  ];
}

/** The files of a region host before its first boot: the service, the command, and the images' keyring. */
export async function maasFiles() {
  const { keyringFile } = await archiveKey("images");
  const installed = (name: string) => readFileSync(join(import.meta.dirname, name), "utf8");
  const unit = "maas-stand-in.service";
  return [
    { path: `/etc/systemd/system/${unit}`, content: installed(unit) },
    { path: "/etc/systemd/system/multi-user.target.d/maas.conf", content: `[Unit]\nWants=${unit}\n` },
    { path: "/usr/bin/maas", content: installed("maas"), mode: 0o755 },
    { path: environmentFile, content: environment("3.6"), mode: 0o600 },
    { path: "/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg", content: readFileSync(keyringFile) },
  ];
}

function environment(version: VersionName): string {
  return `MAAS_VERSION=${version}\nMAAS_ADMIN_KEY=${apiKey()}\nMAAS_USER_KEY=${apiKey()}\n`;
}

/** A key with the lengths of MAAS's keys: 18, 18 and 32 characters. */
function apiKey(): string {
  return [9, 9, 16].map((bytes) => randomBytes(bytes).toString("hex")).join(":");
}
