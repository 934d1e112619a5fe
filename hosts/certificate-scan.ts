import { execFile } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Certified, certifiedKeys } from "./certificates-of-hosts.ts";
import { type Destination, defaultConnectTimeoutSeconds } from "./destination.ts";
import type { KnownKeys } from "./known-hosts.ts";
import { revokedAmong } from "./revoked-host-keys.ts";

/** Bytes of output; a certificate has a few hundred. */
const mostOutput = 1024 * 1024;

/** What asking a host for its certificates gave. */
interface Scan {
  /** Lines as `ssh-keyscan -c` prints them. */
  readonly lines: readonly string[];
  /** Why there are none, where that is known. */
  readonly problem?: string;
}

/**
 * What each host last answered to this process. A question costs three connections, and a host turns people away
 * when there are too many at once (MaxStartups).
 */
const scans = new WeakMap<Destination, Promise<Scan>>();

/** To be called when an answer has led to nothing: by the next time, the host may have another certificate. */
export function forgetScan(destination: Destination): void {
  scans.delete(destination);
}

/**
 * The keys that a host's certificates make known. They are asked for with OpenSSH's ssh-keyscan, because the SSH
 * library here cannot take them in the key exchange; anybody may have answered, so each has to prove itself.
 *
 * @param forward opens a connection to the host's port, where it is behind another one
 */
export async function certify(
  destination: Destination,
  known: KnownKeys,
  forward?: () => Promise<Duplex>,
): Promise<Certified> {
  const { hostname, hostKeyAlias, certificateSignatures: signatureAlgorithms } = destination;
  const asking = scans.get(destination) ?? scan(destination, forward);
  scans.set(destination, asking);
  const { lines, problem } = await asking;
  const name = hostKeyAlias ?? hostname;
  const certified = certifiedKeys(lines, { known, name, signatureAlgorithms, now: Date.now() });
  const revoked = await revokedAmong(
    destination,
    certified.keys.map(({ certificate }) => certificate.blob),
  );
  if (revoked.includes(true)) {
    const found = `its certificate, or the key or authority of it, is revoked in ${destination.revokedHostKeys}`;
    const remedy =
      "Do not connect: that was withdrawn. Give the host a new key, signed by an authority in force.";
    return {
      keys: certified.keys.filter((_, index) => !revoked[index]),
      problems: [...certified.problems, { found, remedy }],
    };
  }
  if (!problem) return certified;
  const remedy = "See that `ssh-keyscan -c` works here: it is how a host's certificate is asked for.";
  return { ...certified, problems: [...certified.problems, { found: problem, remedy }] };
}

async function scan(destination: Destination, forward?: () => Promise<Duplex>): Promise<Scan> {
  const seconds = destination.connectTimeoutSeconds ?? defaultConnectTimeoutSeconds;
  if (!forward) return keyscan(destination.hostname, destination.port, seconds);
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
    return await keyscan("127.0.0.1", (server.address() as AddressInfo).port, seconds);
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
