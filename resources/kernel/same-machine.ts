import type { Host, Probe } from "../../hosts/host.ts";

/**
 * Copies of a virtual machine often have one machine-id, but not one boot_id; containers on one kernel may share both,
 * but not their mounts. See machine-id(5), random(4), namespaces(7).
 */
const machine: Probe<string> = {
  script: "cat /etc/machine-id /proc/sys/kernel/random/boot_id && readlink /proc/1/ns/mnt",
  parse: (output) => output,
};

/** Whether a host is the same machine as one of the others, under another name. Throws if one cannot be asked. */
export async function isAmong(host: Host, others: readonly Host[]): Promise<boolean> {
  const [own, ...rest] = await Promise.all([host, ...others].map((each) => each.facts(machine)));
  return own !== undefined && rest.includes(own);
}
