import { closePools, connectionsTo } from "./connection-pool.ts";
import type { Host } from "./host.ts";
import { SshHost } from "./ssh-host.ts";

export { configureSsh, resolveDestination, sshConfigFile } from "./destination.ts";

const hosts = new Map<string, Host>();

/** The host that ssh knows by this name. All users of a name in this process share its connections. */
export function hostNamed(name: string): Host {
  let host = hosts.get(name);
  if (!host) {
    host = new SshHost(name, connectionsTo({ name }));
    hosts.set(name, host);
  }
  return host;
}

/** Ends all connections, and with them every command (not the jobs) still running on a host. */
export async function closeAll(): Promise<void> {
  closePools();
  hosts.clear();
}
