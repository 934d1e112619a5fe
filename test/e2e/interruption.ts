import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Lab } from "../../lab/lab.ts";
import { until } from "../../lab/until.ts";
import { type TcpProxy, tcpProxy } from "../lab/tcp-proxy.ts";
import { descendants, startedWith } from "../processes.ts";
import type { Running, Stack } from "./stack.ts";

/** A way to interrupt an update. */
export interface Way {
  /** Interrupts it. `host` is the host where the update works at that moment. */
  interrupt(run: Running, host: string): unknown;
  /** The action of a person before the next update. */
  tidy?(stack: Stack, host: string): Promise<unknown>;
}

/**
 * All ways to interrupt an update. The lab and the connections are functions, so they are read when needed.
 */
export function waysToInterrupt(lab: () => Lab, connections: () => { cut(): void }) {
  return {
    "SIGKILL of the CLI": {
      interrupt: (run) => kill(run.child.pid as number),
      async tidy(stack, host) {
        await untilNoProcessRemains(lab(), stack, host);
        removeEmptyAttributes(stack.backend);
        // The lock of a killed update remains. This is the command that removes it.
        await stack.ok(["cancel", "--yes", "--stack", stack.name]).catch((error: Error) => {
          if (!/no.*(lock|update)/i.test(error.message)) throw error;
        });
      },
    },
    "SIGKILL of the provider": {
      async interrupt(run) {
        const providers = () => descendants(run.child.pid as number, /dynamic-provider/);
        // Early in an update there is no process yet.
        await until("a provider to be there", 30_000, () => providers().length > 0);
        providers().forEach(kill);
      },
    },
    "cut SSH connections": { interrupt: () => connections().cut() },
    "a reboot of the host": { interrupt: (_run, host) => lab().reboot(host) },
  } satisfies Record<string, Way>;
}

/** SSH connections to some hosts of a lab that a test can cut. */
export class CuttableConnections {
  /** The ssh_config that uses these connections. */
  readonly sshConfig: string;
  readonly #folder: string;
  readonly #proxies: readonly TcpProxy[];

  private constructor(folder: string, sshConfig: string, proxies: readonly TcpProxy[]) {
    this.#folder = folder;
    this.sshConfig = sshConfig;
    this.#proxies = proxies;
  }

  static async to(lab: Lab, hosts: readonly string[]): Promise<CuttableConnections> {
    const folder = mkdtempSync(join(tmpdir(), "airgapped-maas-connections-"));
    const around: string[] = [];
    const proxies: TcpProxy[] = [];
    for (const host of hosts) {
      const address = lab.address(host, "outside");
      const proxy = await tcpProxy({ host: address, port: 22 });
      proxies.push(proxy);
      around.push(`Host ${host}\n  HostName 127.0.0.1\n  Port ${proxy.port}\n  HostKeyAlias ${address}\n\n`);
    }
    const sshConfig = join(folder, "ssh_config");
    writeFileSync(sshConfig, around.join("") + readFileSync(lab.paths.sshConfig, "utf8"));
    return new CuttableConnections(folder, sshConfig, proxies);
  }

  cut(): void {
    for (const proxy of this.#proxies) proxy.cut();
  }

  async close(): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Waits until a run prints a text. */
export async function saying(run: Running, line: RegExp): Promise<void> {
  let ended = false;
  void run.done.then(() => {
    ended = true;
  });
  await until(`"${line.source}" in the output`, 60_000, () => {
    if (line.test(run.output())) return true;
    if (ended) throw new Error(`the update never said ${line.source}:\n${run.output()}`);
    return false;
  });
}

/** The processes that a stack's CLI has started and that still run, with any parent. */
export function left(stack: Stack): number[] {
  return startedWith(`XDG_CACHE_HOME=${stack.cache}`);
}

/**
 * Pulumi's file backend replaces a state atomically, but not the attributes beside it (gocloud.dev/blob/fileblob,
 * setAttrs). If a kill truncates them, it fails with "failed to load checkpoint: EOF" until they are deleted. A state is
 * read correctly without them.
 */
function removeEmptyAttributes(backend: string): void {
  for (const name of readdirSync(backend, { recursive: true, encoding: "utf8" })) {
    const path = join(backend, name);
    if (path.endsWith(".attrs") && statSync(path).size === 0) rmSync(path);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // The process has already ended.
  }
}

/** Waits until no process of an interrupted update remains, here or on the host. */
async function untilNoProcessRemains(lab: Lab, stack: Stack, host: string): Promise<void> {
  await until(`the end of all connections to ${host}`, 30_000, async () => {
    const { stdout } = await lab.run(host, ["ss", "-Htn", "state", "established", "sport = :22"]);
    return stdout.trim() === "";
  });
  await until("the end of all that the CLI had started", 30_000, () => left(stack).length === 0);
}
