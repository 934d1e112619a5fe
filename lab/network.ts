import { command, tryCommand } from "./command.ts";
import type { LabHost, Network } from "./hosts.ts";
import { workstationAddress } from "./hosts.ts";
import type { LabPaths } from "./paths.ts";
import { addressIn } from "./subnets.ts";

const networks: readonly Network[] = ["outside", "datacentre"];

function bridge(paths: LabPaths, network: Network): string {
  return `${paths.prefix}-${network.slice(0, 1)}`;
}

async function linkExists(name: string): Promise<boolean> {
  return (await tryCommand(["ip", "link", "show", "dev", name])).code === 0;
}

/**
 * Makes the two bridges. The workstation has an address on `outside` only. No packet is forwarded between the
 * bridges or to other networks, because each interface has only the route of its own subnet.
 */
export async function bridgesUp(paths: LabPaths, pair: number): Promise<void> {
  for (const network of networks) {
    const name = bridge(paths, network);
    if (await linkExists(name)) continue;
    const lines = [`link add ${name} type bridge`, `link set ${name} addrgenmode none`];
    if (network === "outside") {
      lines.push(`addr add ${addressIn(pair, network, workstationAddress)}/24 dev ${name}`);
    }
    lines.push(`link set ${name} up`);
    await ipBatch(lines);
  }
  // Without this, a packet to the data centre's addresses would leave through the machine's default route.
  await command(["ip", "route", "replace", "unreachable", dataCentre(pair)]);
}

function dataCentre(pair: number): string {
  return `${addressIn(pair, "datacentre", 0)}/24`;
}

/** Removes the bridges. */
export async function bridgesDown(paths: LabPaths, pair: number | undefined): Promise<void> {
  if (pair !== undefined) await tryCommand(["ip", "route", "del", "unreachable", dataCentre(pair)]);
  for (const network of networks) await tryCommand(["ip", "link", "del", bridge(paths, network)]);
}

/**
 * Connects a host to its networks: interfaces `outside` and `datacentre` in the network namespace of a
 * process.
 */
export async function plugIn(paths: LabPaths, pair: number, host: LabHost, process: number): Promise<void> {
  const outer: string[] = [];
  const inner: string[] = ["link set lo up"];
  const cables: string[] = [];
  for (const network of networks) {
    const lastByte = host.address[network];
    if (lastByte === undefined) continue;
    const address = addressIn(pair, network, lastByte);
    const cable = `${paths.prefix}${network.slice(0, 1)}${lastByte}`;
    cables.push(cable);
    outer.push(
      `link add ${cable} type veth peer name ${network} address ${cardOf(address)} netns ${process}`,
      `link set ${cable} addrgenmode none`,
      `link set ${cable} master ${bridge(paths, network)} up`,
    );
    inner.push(
      `link set ${network} addrgenmode none`,
      `addr add ${address}/24 dev ${network}`,
      `link set ${network} up`,
    );
  }
  // After a host is killed, the kernel needs some time to remove its network.
  for (const cable of cables) await tryCommand(["ip", "link", "del", cable]);
  await ipBatch(outer);
  await command(["nsenter", `--net=/proc/${process}/ns/net`, "ip", "-batch", "-"], {
    input: `${inner.join("\n")}\n`,
  });
}

/**
 * The hardware address of a host's interface, the same at each boot. With a different address, machines that have
 * the old one in their ARP cache would send to it for half a minute (base_reachable_time, arp(7)).
 */
function cardOf(address: string): string {
  const bytes = address.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"));
  return ["02", "00", ...bytes].join(":");
}

async function ipBatch(lines: readonly string[]): Promise<void> {
  await command(["ip", "-batch", "-"], { input: `${lines.join("\n")}\n` });
}
