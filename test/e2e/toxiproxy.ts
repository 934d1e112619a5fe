import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { repository } from "../../lab/paths.ts";
import { until } from "../../lab/until.ts";

/** Shopify's toxiproxy (https://github.com/Shopify/toxiproxy), as built by `toolchain/set-up toxiproxy`. */
export interface Toxiproxy {
  /** Forwards connections to `upstream` (host:port). Returns the port of loopback on which it listens. */
  listen(name: string, upstream: string): Promise<number>;
  /** Adds this many milliseconds to every round trip through a proxy, half of them in each direction. */
  latency(name: string, milliseconds: number): Promise<void>;
  end(): Promise<void>;
}

/** Starts a separate server. */
export async function toxiproxy(): Promise<Toxiproxy> {
  const port = await freePort();
  const server = spawn(
    join(repository, ".cache/toolchain/toxiproxy/toxiproxy-server"),
    ["-host", "127.0.0.1", "-port", String(port)],
    { stdio: "ignore", env: { LOG_LEVEL: "fatal" } },
  );
  const ended = new Promise((resolve) => server.once("exit", resolve));
  // biome-ignore lint/suspicious/noExplicitAny: what the API answers, per its documentation
  const ask = async (method: string, path: string, body?: object): Promise<any> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (answer.ok) return answer.status === 204 ? undefined : await answer.json();
    throw new Error(`toxiproxy: ${method} ${path}: ${answer.status} ${await answer.text()}`);
  };
  await until("toxiproxy", 10_000, () =>
    ask("GET", "/proxies").then(
      () => true,
      () => server.exitCode !== null,
    ),
  );
  return {
    async listen(name, upstream) {
      const { listen } = await ask("POST", "/proxies", {
        name,
        upstream,
        listen: "127.0.0.1:0",
        enabled: true,
      });
      return Number(listen.split(":").at(-1));
    },
    async latency(name, milliseconds) {
      for (const { name: toxic } of await ask("GET", `/proxies/${name}/toxics`)) {
        await ask("DELETE", `/proxies/${name}/toxics/${toxic}`);
      }
      if (milliseconds === 0) return;
      const there = Math.floor(milliseconds / 2);
      for (const [stream, latency] of [
        ["upstream", there],
        ["downstream", milliseconds - there],
      ]) {
        await ask("POST", `/proxies/${name}/toxics`, {
          type: "latency",
          stream,
          attributes: { latency, jitter: 0 },
        });
      }
    },
    async end() {
      server.kill();
      await ended;
    },
  };
}

/** A port on which no process listens at the moment. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
