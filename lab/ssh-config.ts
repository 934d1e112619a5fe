import { readFileSync, writeFileSync } from "node:fs";
import type { LabHost, Network } from "./hosts.ts";
import { labHosts } from "./hosts.ts";
import { hostKey } from "./keys.ts";
import type { LabPaths } from "./paths.ts";
import { addressIn } from "./subnets.ts";

/** Writes the ssh_config and known_hosts for the hosts, as an administrator would for a real site. */
export function writeSshConfig(paths: LabPaths, pair: number): void {
  const known = labHosts.map((host) => {
    const [type, key] = readFileSync(`${hostKey(paths, host.name)}.pub`, "utf8").split(" ");
    return `${addressForSsh(host, pair)} ${type} ${key}`;
  });
  writeFileSync(paths.knownHosts, `${known.join("\n")}\n`);
  const blocks = labHosts.map((host) =>
    [
      `Host ${host.name}`,
      `  HostName ${addressForSsh(host, pair)}`,
      `  User ${host.user}`,
      ...(host.jump === undefined ? [] : [`  ProxyJump ${host.jump}`]),
    ].join("\n"),
  );
  const all = [
    "Host *",
    `  IdentityFile "${paths.key}"`,
    "  IdentitiesOnly yes",
    `  UserKnownHostsFile "${paths.knownHosts}"`,
    "  GlobalKnownHostsFile none",
    "  StrictHostKeyChecking yes",
    "  UpdateHostKeys no",
    "  ConnectTimeout 10",
  ].join("\n");
  writeFileSync(paths.sshConfig, `${[...blocks, all].join("\n\n")}\n`);
}

function addressForSsh(host: LabHost, pair: number): string {
  const network: Network = host.jump === undefined ? "outside" : "datacentre";
  return addressIn(pair, network, host.address[network] ?? 0);
}
