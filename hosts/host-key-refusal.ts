import { ExplainedError } from "../errors/explained-error.ts";
import { authorities, type CertificateProblem } from "./certificates-of-hosts.ts";
import { type Destination, sshConfigFile } from "./destination.ts";
import { fingerprint, type KnownKeys, keyType, verdictOn } from "./known-hosts.ts";

/** A server's key was not accepted. */
export class HostKeyRefused extends ExplainedError {
  /** Whether a certificate could make the key acceptable. */
  readonly mayBeCertified: boolean;

  constructor(mayBeCertified: boolean, ...explanation: ConstructorParameters<typeof ExplainedError>) {
    super(...explanation);
    this.mayBeCertified = mayBeCertified;
  }
}

/**
 * Why none of the certificates of a host was accepted.
 *
 * @param refused Why its plain key was not accepted, if it was tried.
 */
export function noCertificateAccepted(
  destination: Destination,
  known: KnownKeys,
  problems: readonly CertificateProblem[],
  refused: HostKeyRefused | undefined,
): HostKeyRefused {
  const { name, hostname, hostKeyAlias } = destination;
  const as = hostKeyAlias ?? hostname;
  const certificates = problems.map(({ found }) => found).join("; ") || "it has no certificate";
  if (refused) {
    const { found, remedy } = refused.explanation;
    return new HostKeyRefused(false, {
      ...refused.explanation,
      found: `${found}; and ${certificates}`,
      remedy: problems[0] ? `${remedy} Or: ${problems[0].remedy}` : remedy,
    });
  }
  const only = `, and for ${as} only an authority is known, no key: ${authorities(known)}`;
  return new HostKeyRefused(false, {
    host: name,
    step: "checking the host's certificate",
    found: problems.length > 0 ? certificates : certificates + only,
    remedy:
      problems[0]?.remedy ??
      `Sign the host's key with that authority (\`ssh-keygen -s CA_KEY -h -I ID -n ${as} HOST_KEY.pub\`) and name the result in HostCertificate in the host's sshd_config; or add its plain key to known_hosts, after you have compared the fingerprint.`,
  });
}

/**
 * Why a server's key was not accepted, with the facts that a person needs to decide.
 *
 * @param shown The key that the server has proved to own; undefined if it has none of the known types.
 */
export function hostKeyRefusal(
  destination: Destination,
  known: KnownKeys,
  shown: Buffer | undefined,
): HostKeyRefused {
  const { name, hostname, port, hostKeyAlias, knownHostsFiles } = destination;
  const filed = hostKeyAlias ?? (port === 22 ? hostname : `[${hostname}]:${port}`);
  const file = knownHostsFiles[0] ?? "~/.ssh/known_hosts";
  const login = `ssh ${sshConfigFile() ? `-F ${sshConfigFile()} ` : ""}${name}`;
  const check =
    "Compare the fingerprint with the one shown on the host's own console (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`)";
  const trusted = known.trusted
    .map(({ type, key, where }) => `${type} ${fingerprint(key)} (${where})`)
    .join(", ");
  const mayBeCertified = !shown || verdictOn(known, shown) !== "revoked";
  const error = (found: string, remedy: string) =>
    new HostKeyRefused(mayBeCertified, { host: name, step: "checking the host's key", found, remedy });

  if (!shown) {
    return error(
      `it has no key of the types known for ${filed}: ${trusted}`,
      `If the host was reinstalled: \`ssh-keygen -f ${file} -R '${filed}'\`, then \`${login}\` and compare the fingerprint.`,
    );
  }
  const offered = `${keyType(shown)} ${fingerprint(shown)}`;
  switch (verdictOn(known, shown)) {
    case "revoked":
      return error(
        `its key ${offered} is marked @revoked in ${known.revoked.map(({ where }) => where).join(", ")}`,
        "Do not connect: the server uses a revoked key. Give the host a new key, and add that to known_hosts.",
      );
    case "changed":
      return error(
        `its key is ${offered}, but the known key is ${trusted}`,
        `Another machine may be intercepting the connection. ${check}. Only if the host has a new key: \`ssh-keygen -f ${file} -R '${filed}'\`, then \`${login}\`.`,
      );
    default: {
      const weaker = /^(no|false|off|accept-new)$/.test(destination.strictHostKeyChecking)
        ? ` StrictHostKeyChecking ${destination.strictHostKeyChecking} in the ssh configuration is ignored here.`
        : "";
      return error(
        `its key ${offered} is not known as ${filed} in ${knownHostsFiles.join(", ") || "any file"}`,
        `${check}, then accept it with \`${login}\`, or add it with \`ssh-keyscan -p ${port} ${hostname} >> ${file}\`.${weaker}`,
      );
    }
  }
}
