import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { ExplainedError } from "../errors/explained-error.ts";

/** A proxy that adds latency to a server. */
export interface Distance {
  readonly port: number;
  close(): Promise<void>;
}

interface DistanceOptions {
  /** Address and port to listen on. Port 0 selects a free one. */
  readonly listen: string;
  /** Address and port of the server. */
  readonly to: string;
  /** Latency of a round trip, in milliseconds. */
  readonly roundTrip: number;
  /** The process in whose network namespace the proxy runs. Default: this process. */
  readonly inNetworkOf?: number;
}

/** Starts the proxy as a separate process. */
export async function distance({ listen, to, roundTrip, inNetworkOf }: DistanceOptions): Promise<Distance> {
  const proxy = join(import.meta.dirname, "delaying-proxy.ts");
  const argv = [
    ...(inNetworkOf === undefined ? [] : ["nsenter", `--target=${inNetworkOf}`, "--net"]),
    process.execPath,
    proxy,
    ...["--listen", listen, "--to", to, "--delay", String(roundTrip / 2)],
  ];
  const child: ChildProcess = spawn(argv[0] ?? "", argv.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
  const port = await Promise.race([
    once(child.stdout ?? child, "data").then(([line]) => Number(String(line))),
    once(child, "exit").then(([code]) => {
      throw new ExplainedError({
        step: `starting a proxy on ${listen}`,
        found: `it ended with exit code ${code}`,
        remedy: "Read its output above. The port may be in use.",
      });
    }),
  ]);
  return {
    port,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill();
      await once(child, "exit");
    },
  };
}
