import type { Host, Probe } from "../../hosts/host.ts";

/** Copies of a virtual machine often have the same machine-id, but never the same boot_id. See machine-id(5), random(4). */
const machine: Probe<string> = {
  script: "cat /etc/machine-id /proc/sys/kernel/random/boot_id",
  parse: (output) => output,
};

/** Whether a host is the same machine as one of the others, under another name. False if that cannot be found out. */
export async function isAmong(host: Host, others: readonly Host[]): Promise<boolean> {
  if (others.length === 0) return false;
  const [own, ...rest] = await Promise.allSettled([host, ...others].map((each) => each.facts(machine)));
  return (
    own?.status === "fulfilled" &&
    rest.some((each) => each.status === "fulfilled" && each.value === own.value)
  );
}
