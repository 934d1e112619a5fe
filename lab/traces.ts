import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { cgroupsBelow, processesIn } from "./cgroups.ts";
import { command } from "./command.ts";
import { labPaths } from "./paths.ts";

/**
 * The objects of a lab in this machine's kernel, one per line: processes, mounts of any process, interfaces,
 * addresses, routes, control groups, claims. A stopped lab has none.
 */
export async function tracesOf(name: string): Promise<string[]> {
  const paths = labPaths(name);
  const mine = (text: string) => text.includes(`${paths.directory}/`) || text.includes(paths.prefix);
  const traces: string[] = [];
  for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    if (Number(pid) === process.pid) continue;
    const commandLine = readOr(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
    if (mine(commandLine)) traces.push(`process ${pid} ${commandLine}`);
    for (const mount of readOr(`/proc/${pid}/mounts`).split("\n")) {
      if (mine(mount)) traces.push(`mount ${mount.slice(0, 200)}`);
    }
  }
  const links = JSON.parse(await command(["ip", "-json", "link", "show"])) as { ifname: string }[];
  for (const { ifname } of links) if (mine(ifname)) traces.push(`interface ${ifname}`);
  for (const [device, addresses] of Object.entries(networkInterfaces())) {
    for (const { address } of addresses ?? []) {
      if (mine(device)) traces.push(`address ${address} on ${device}`);
    }
  }
  for (const process of processesIn(paths.prefix)) traces.push(`process ${process} in its control group`);
  for (const cgroup of cgroupsBelow("").filter(mine)) traces.push(`control group ${cgroup}`);
  const claims = "/run/airgapped-maas-lab";
  for (const pair of entriesOr(claims)) {
    const link = join(claims, pair);
    if (readlinkSync(link) !== paths.directory) continue;
    traces.push(`claim ${link}`);
    const network = `10.77.${Number(pair) * 2 + 1}.0/24`;
    const route = (await command(["ip", "route", "show", "type", "unreachable", network])).trim();
    if (route !== "") traces.push(`route ${route}`);
  }
  return [...new Set(traces)];
}

function entriesOr(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
