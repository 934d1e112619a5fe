import { execFile } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Certified, certifiedKeys } from "./certificates-of-hosts.ts";
import { type Destination, defaultConnectTimeoutSeconds } from "./destination.ts";
import type { KnownKeys } from "./known-hosts.ts";
import { revokedAmong } from "./revoked-host-keys.ts";

/** Bytes of output. A certificate has a few hundred. */
const maximumOutputBytes = 1024 * 1024;

/** The result of asking a host for its certificates. */
interface Scan {
  /** Lines as `ssh-keyscan -c` prints them. */
  readonly lines: readonly string[];
  /** Why there are no lines, if known. */
  readonly problem?: string;
}

/**
 * The last answer of each host in this process. Each scan costs three connections, and a host rejects connections when
 * there are too many at once (MaxStartups).
 */
const scans = new WeakMap<Destination, Promise<Scan>>();

/** Call this when the certificates were not accepted: the host may have another one at the next attempt. */
export function forgetScan(destination: Destination): void {
  scans.delete(destination);
}

/**
 * The host keys that are trusted because of their certificates. OpenSSH's ssh-keyscan asks for them, because the SSH
 * library cannot accept certificates in the key exchange. The answer may come from any machine, so each certificate is
 * verified.
 *
 * @param forward Opens a connection to the host's port, if the host is behind a jump host.
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
    const found = `its certificate, its key or its authority is revoked in ${destination.revokedHostKeys}`;
    const remedy = "Do not connect. Give the host a new key, signed by a valid authority.";
    return {
      keys: certified.keys.filter((_, index) => !revoked[index]),
      problems: [...certified.problems, { found, remedy }],
    };
  }
  if (!problem) return certified;
  const remedy = "Check that `ssh-keyscan -c` works on this machine. It asks the host for its certificate.";
  return { ...certified, problems: [...certified.problems, { found: problem, remedy }] };
}

async function scan(destination: Destination, forward?: () => Promise<Duplex>): Promise<Scan> {
  const seconds = destination.connectTimeoutSeconds ?? defaultConnectTimeoutSeconds;
  if (!forward) return keyscan(destination.hostname, destination.port, seconds);
  // ssh-keyscan does not support ProxyJump, and a jump host may have no shell. So it gets a local port that is
  // forwarded through the jump host while it runs.
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
  const limits = {
    timeout: (timeoutSeconds + 5) * 1000,
    maxBuffer: maximumOutputBytes,
    encoding: "utf8",
  } as const;
  return new Promise((resolve) => {
    execFile("ssh-keyscan", [...args, "--", hostname], limits, (error, stdout, stderr) => {
      const lines = stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      if (lines.length > 0 || !error) return resolve({ lines });
      if ((error as NodeJS.ErrnoException).code === "ENOENT")
        return resolve({
          lines,
          problem: "there is no ssh-keyscan on this machine (package openssh-client)",
        });
      const errorLines = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      resolve(
        errorLines.length > 0 ? { lines, problem: `ssh-keyscan: ${errorLines.join("; ")}` } : { lines },
      );
    });
  });
}
