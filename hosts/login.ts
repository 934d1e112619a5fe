import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { NodeSSH } from "node-ssh";
import type { Client, ServerHostKeyAlgorithm } from "ssh2";
import { ExplainedError } from "../errors/explained-error.ts";
import { acceptCertifiedKeys } from "./certified-login.ts";
import { type Destination, defaultConnectTimeoutSeconds, signatureAlgorithms } from "./destination.ts";
import { hostKeyRefusal } from "./host-key-refusal.ts";
import type { Identities } from "./identities.ts";
import { type KnownKeys, verdictOn } from "./known-hosts.ts";
import { Unreachable } from "./unreachable.ts";

/**
 * Logs in on an open connection.
 *
 * @param known The known host keys.
 * @throws HostKeyRefused when the server owns none of them; ExplainedError when it refuses the login; any other error
 * when the connection broke.
 */
export async function logIn(
  destination: Destination,
  socket: Socket | Duplex,
  known: KnownKeys,
  identities: Identities,
): Promise<Client> {
  const { name, user } = destination;
  if (identities.methods.length === 0) throw notAccepted(destination, identities, "there is no key to offer");
  let shown: Buffer | undefined;
  const ssh = new NodeSSH();
  const algorithms = pinned(known);
  let untried = identities.methods;
  try {
    await ssh.connect({
      sock: socket as Socket,
      username: user,
      authHandler: () => {
        if (untried === identities.methods && ssh.connection) acceptCertifiedKeys(ssh.connection);
        const [next, ...rest] = untried;
        untried = rest;
        return next ?? false;
      },
      readyTimeout: (destination.connectTimeoutSeconds ?? defaultConnectTimeoutSeconds) * 1000,
      keepaliveInterval: 0,
      algorithms: { serverHostKey: algorithms },
      // Must be synchronous and return exactly true or false: ssh2 takes anything but `false` as acceptance.
      hostVerifier: (key: Buffer): boolean => {
        shown = key;
        return verdictOn(known, key) === "known";
      },
    });
    const client = ssh.connection;
    if (!client) throw new Error("the connection was closed at once");
    return client;
  } catch (error) {
    const { message, level } = error as Error & { level?: string };
    if (shown && verdictOn(known, shown) !== "known") throw hostKeyRefusal(destination, known, shown);
    if (/no matching host key format/.test(message)) throw hostKeyRefusal(destination, known, undefined);
    if (level === "client-authentication")
      throw notAccepted(destination, identities, "the host accepts none of them");
    if (/Too many authentication failures/i.test(message)) throw tooManyKeys(destination, identities);
    if (level === "client-timeout") throw tooSlow(destination, error);
    if (shown && /No response from server|ECONNRESET/.test(message))
      throw connectionEnded(destination, identities);
    if (/no matching/.test(message)) {
      throw new ExplainedError({
        host: name,
        step: "connecting",
        found: `the SSH server and this client have no algorithm in common (${message})`,
        remedy:
          "Allow a current algorithm in the host's sshd_config, e.g. curve25519-sha256 with aes256-gcm@openssh.com.",
        cause: error,
      });
    }
    throw error;
  }
}

/** sshd counts each refused key and ends the connection at a limit, 6 by default (MaxAuthTries). */
function tooManyKeys(
  { name, user, hostname }: Destination,
  { offered, encrypted, problems, certificateRemedy }: Identities,
): ExplainedError {
  const locked = encrypted.length > 0 ? [`${encrypted.join(", ")} needs a passphrase`] : [];
  const why = `the host ended the login after too many refused keys (offered: ${offered.join(", ")})`;
  const fewer = `Name the right key for ${name} in the ssh configuration: IdentityFile with \`IdentitiesOnly yes\`, so that the agent's other keys are not offered.`;
  return new ExplainedError({
    host: name,
    step: `logging in as ${user}@${hostname}`,
    found: [why, ...locked, ...problems].join("; "),
    remedy: certificateRemedy ? `${fewer} ${certificateRemedy}` : fewer,
  });
}

/** Applies after the host key check. A busy server rejects connections before that (MaxStartups). */
function connectionEnded({ name, user, hostname }: Destination, { offered }: Identities): ExplainedError {
  return new ExplainedError({
    host: name,
    step: `logging in as ${user}@${hostname}`,
    found: `the host ended the connection during the login (offered: ${offered.join(", ")})`,
    remedy: `See the SSH server's log on the host (\`journalctl -u ssh\`): the account may have expired (\`chage -l ${user}\`) or be denied by PAM. If the log has no entry, the network failed: run this again.`,
  });
}

function tooSlow({ name, hostname, connectTimeoutSeconds }: Destination, cause: unknown): Unreachable {
  const seconds = connectTimeoutSeconds ?? defaultConnectTimeoutSeconds;
  return new Unreachable({
    host: name,
    step: `connecting to ${hostname}`,
    found: `its SSH server accepted the connection but did not finish the login within ${seconds} s`,
    remedy: `See the load of the host and its sshd (UseDNS, PAM modules that wait for a directory). If it is only slow, set a larger ConnectTimeout for ${name} in the ssh configuration.`,
    cause,
  });
}

/** Requests a key of a known type, as the server may have other keys that are not known. */
function pinned(known: KnownKeys): ServerHostKeyAlgorithm[] {
  const types = new Set(known.trusted.map((host) => host.type));
  const wanted = signatureAlgorithms.filter((name) => types.has(name.startsWith("rsa-") ? "ssh-rsa" : name));
  return wanted.length > 0 ? wanted : signatureAlgorithms;
}

function notAccepted(destination: Destination, identities: Identities, why: string): ExplainedError {
  const { name, user, hostname } = destination;
  const locked = identities.encrypted.join(", ");
  const tried = identities.offered.length > 0 ? ` (offered: ${identities.offered.join(", ")})` : "";
  const others = [...(locked ? [`${locked} needs a passphrase`] : []), ...identities.problems];
  return new ExplainedError({
    host: name,
    step: `logging in as ${user}@${hostname}`,
    found: [`${why}${tried}`, ...others].join("; "),
    remedy: locked
      ? `Load the key into ssh-agent (\`ssh-add ${identities.encrypted[0]}\`) and check that SSH_AUTH_SOCK is set here.`
      : (identities.certificateRemedy ??
        `Add the public key to ~${user}/.ssh/authorized_keys on the host, or name the right IdentityFile and User for ${name} in the ssh configuration. \`ssh ${name} true\` must work without a password.`),
  });
}
