import { execFile } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Destination } from "./destination.ts";

/** Bytes of output; a certificate has a few hundred. */
const mostOutput = 1024 * 1024;

/** What asking a host for its certificates gave. */
export interface Scan {
  /** Lines as `ssh-keyscan -c` prints them. */
  readonly lines: readonly string[];
  /** Why there are none, where that is known. */
  readonly problem?: string;
}

const scans = new WeakMap<Destination, Promise<Scan>>();

/**
 * What a host last answered, to this process. Each question costs three connections, and a host turns people
 * away when there are too many at once (MaxStartups).
 *
 * @param ask asks it; called when there is no answer yet
 */
export function lastScan(destination: Destination, ask: () => Promise<Scan>): Promise<Scan> {
  let scan = scans.get(destination);
  if (!scan) {
    scan = ask();
    scans.set(destination, scan);
  }
  return scan;
}

/** To be called when an answer has led to nothing: by the next time, the host may have another certificate. */
export function forgetScan(destination: Destination): void {
  scans.delete(destination);
}

/**
 * Asks a host for its certificates with OpenSSH's ssh-keyscan, because the SSH library here cannot take them in
 * the key exchange. They are public, and anybody may have answered: check them.
 *
 * @param forward opens a connection to the host's port, where it is behind another one
 */
export async function scanCertificates(
  { hostname, port }: Destination,
  timeoutSeconds: number,
  forward?: () => Promise<Duplex>,
): Promise<Scan> {
  if (!forward) return keyscan(hostname, port, timeoutSeconds);
  // ssh-keyscan knows no ProxyJump, and a hop need not have a shell: so it is given a port of this machine that
  // leads through the hop, for as long as it runs.
  const server = createServer((socket) => {
    socket.on("error", () => {});
    forward().then(
      (stream) => pipeline(socket, stream, socket).catch(() => {}),
      () => socket.destroy(),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await keyscan("127.0.0.1", (server.address() as AddressInfo).port, timeoutSeconds);
  } finally {
    server.close();
  }
}

function keyscan(hostname: string, port: number, timeoutSeconds: number): Promise<Scan> {
  const args = ["-c", "-t", "ed25519,ecdsa,rsa", "-T", String(timeoutSeconds), "-p", String(port)];
  const limits = { timeout: (timeoutSeconds + 5) * 1000, maxBuffer: mostOutput, encoding: "utf8" } as const;
  return new Promise((resolve) => {
    execFile("ssh-keyscan", [...args, "--", hostname], limits, (error, stdout, stderr) => {
      const lines = stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      if (lines.length > 0 || !error) return resolve({ lines });
      if ((error as NodeJS.ErrnoException).code === "ENOENT")
        return resolve({
          lines,
          problem: "there is no ssh-keyscan on this machine (package openssh-client)",
        });
      const said = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      resolve(said.length > 0 ? { lines, problem: `ssh-keyscan: ${said.join("; ")}` } : { lines });
    });
  });
}
