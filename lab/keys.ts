import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command.ts";
import { labHosts } from "./hosts.ts";
import type { LabPaths } from "./paths.ts";

/** Makes the key pairs of the workstation and of all hosts, if they are missing. */
export async function makeSshKeys(paths: LabPaths): Promise<void> {
  mkdirSync(paths.hostKeys, { recursive: true, mode: 0o700 });
  await Promise.all(
    [paths.key, ...labHosts.map((host) => hostKey(paths, host.name))].map(async (file) => {
      if (existsSync(file) && existsSync(`${file}.pub`)) return;
      await command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", `lab ${paths.name}`, "-f", file]);
    }),
  );
}

/** The path of a host's private host key. The public key is in the same directory, with the suffix `.pub`. */
export function hostKey(paths: LabPaths, name: string): string {
  return join(paths.hostKeys, `host_${name}`);
}
