import { createHash } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { debianSource } from "./archive/debian.ts";
import { archiveKey } from "./archive/openpgp-key.ts";
import type { LabHost } from "./hosts.ts";
import { datacentreDomain, labHost, labHosts, outsideNames } from "./hosts.ts";
import { hostKey } from "./keys.ts";
import { maasFiles } from "./maas-host/files.ts";
import type { LabPaths } from "./paths.ts";
import { addressIn } from "./subnets.ts";

interface ProvisionedFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode?: number;
}

/**
 * Writes a host's files into its overlay before the first boot: what an installer would write (host name, names in
 * /etc/hosts, keys), and for `upstream` the configuration of its servers.
 */
export async function provision(
  paths: LabPaths,
  pair: number,
  host: LabHost,
  upper: string,
  lower: string,
): Promise<void> {
  const authorized = readFileSync(`${paths.key}.pub`);
  const home = host.user === "root" ? "/root" : `/home/${host.user}`;
  const files: ProvisionedFile[] = [
    { path: "/etc/hostname", content: `${host.name}\n` },
    { path: "/etc/hosts", content: hostsFile(host, pair) },
    { path: "/etc/machine-id", content: `${machineId(paths, host)}\n` },
    { path: "/etc/resolv.conf", content: resolvConf(host, pair) },
    { path: "/etc/ssh/ssh_host_ed25519_key", content: readFileSync(hostKey(paths, host.name)), mode: 0o600 },
    {
      path: "/etc/ssh/ssh_host_ed25519_key.pub",
      content: readFileSync(`${hostKey(paths, host.name)}.pub`),
    },
    { path: `${home}/.ssh/authorized_keys`, content: authorized, mode: 0o600 },
  ];
  if (host.user !== "root") {
    files.push({ path: "/etc/sudoers.d/ops", content: "ops ALL=(ALL) NOPASSWD: ALL\n", mode: 0o440 });
  }
  if (host.suppliedByUpstream) {
    const key = await archiveKey("debian");
    files.push(
      { path: "/etc/apt/keyrings/lab-debian.asc", content: key.publicArmored },
      { path: "/etc/apt/sources.list.d/lab-debian.sources", content: debianSource() },
    );
  }
  if (host.name === "upstream") files.push(...upstreamFiles(addressIn(pair, "outside", outsideByte(host))));
  if (host.name === "maas") files.push(...(await maasFiles()));
  for (const file of files) write(file, upper, lower);
  if (host.user !== "root") {
    for (const path of ["/.ssh", "/.ssh/authorized_keys"]) chownSync(join(upper, home, path), 1000, 1000);
  }
  chmodSync(join(upper, home, ".ssh"), 0o700);
}

function outsideByte(host: LabHost): number {
  return host.address.outside ?? 0;
}

function hostsFile(host: LabHost, pair: number): string {
  const lines = ["127.0.0.1 localhost", `127.0.1.1 ${host.name}`, "::1 localhost ip6-localhost ip6-loopback"];
  // The data centre has no name server yet: its machines resolve the other names from /etc/hosts.
  if (host.address.datacentre !== undefined) {
    for (const other of labHosts) {
      if (other.name === host.name || other.address.datacentre === undefined) continue;
      const address = addressIn(pair, "datacentre", other.address.datacentre);
      lines.push(`${address} ${other.name}.${datacentreDomain} ${other.name}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function resolvConf(host: LabHost, pair: number): string {
  const upstream = labHost("upstream")?.address.outside ?? 0;
  return host.suppliedByUpstream
    ? `nameserver ${addressIn(pair, "outside", upstream)}\noptions timeout:2 attempts:2\n`
    : "";
}

function machineId(paths: LabPaths, host: LabHost): string {
  return createHash("md5").update(`${paths.directory}\0${host.name}`).digest("hex");
}

function upstreamFiles(address: string): ProvisionedFile[] {
  const records = [...outsideNames, "upstream"].map((name) => `host-record=${name},${address}`);
  const dnsmasq = [
    "# Resolves these names. For every other name it answers that the name does not exist.",
    "no-resolv",
    "no-hosts",
    "bind-interfaces",
    `listen-address=${address}`,
    "local=/#/",
    ...records,
  ];
  const configuration = (name: string) =>
    readFileSync(join(import.meta.dirname, "upstream-host", name), "utf8");
  return [
    { path: "/etc/dnsmasq.d/outside.conf", content: `${dnsmasq.join("\n")}\n` },
    { path: "/etc/nginx/sites-enabled/outside.conf", content: configuration("nginx.conf") },
    { path: "/etc/nginx/lab-listen.conf", content: "listen 80;\n" },
    { path: "/usr/local/lib/lab/fault-server.py", content: configuration("fault-server.py") },
  ];
}

/**
 * Writes a file into the overlay's upper directory. New directories there get the owner and mode of those
 * below.
 */
function write({ path, content, mode = 0o644 }: ProvisionedFile, upper: string, lower: string): void {
  makeDirectory(dirname(path), upper, lower);
  writeFileSync(join(upper, path), content, { mode });
  chmodSync(join(upper, path), mode);
}

function makeDirectory(path: string, upper: string, lower: string): void {
  if (path === "/") return;
  makeDirectory(dirname(path), upper, lower);
  const target = join(upper, path);
  try {
    mkdirSync(target, { mode: 0o755 });
  } catch {
    return; // It exists already.
  }
  for (const layer of lower.split(":")) {
    const below = statSync(join(layer, path), { throwIfNoEntry: false });
    if (below === undefined) continue;
    chownSync(target, below.uid, below.gid);
    chmodSync(target, below.mode & 0o7777);
    return;
  }
}
