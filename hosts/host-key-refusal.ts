import { ExplainedError } from "../errors/explained-error.ts";
import { type Destination, sshConfigFile } from "./destination.ts";
import { fingerprint, judge, type KnownKeys, keyType } from "./known-hosts.ts";

/**
 * Why a server's key was not accepted, with what a person needs to decide.
 *
 * @param shown the key it has proved to own; undefined when it has none of the types that are known for it
 */
export function hostKeyRefusal(
  destination: Destination,
  known: KnownKeys,
  shown: Buffer | undefined,
): ExplainedError {
  const { name, hostname, port, hostKeyAlias, knownHostsFiles } = destination;
  const filed = hostKeyAlias ?? (port === 22 ? hostname : `[${hostname}]:${port}`);
  const file = knownHostsFiles[0] ?? "~/.ssh/known_hosts";
  const login = `ssh ${sshConfigFile() ? `-F ${sshConfigFile()} ` : ""}${name}`;
  const check =
    "Compare the fingerprint with the one shown on the host's own console (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`)";
  const trusted = known.trusted
    .map(({ type, key, where }) => `${type} ${fingerprint(key)} (${where})`)
    .join(", ");
  const error = (found: string, remedy: string) =>
    new ExplainedError({ host: name, step: "checking the host's key", found, remedy });

  if (!shown) {
    return error(
      `it has no key of the types known for ${filed}: ${trusted}`,
      `If the host was reinstalled: \`ssh-keygen -f ${file} -R '${filed}'\`, then \`${login}\` and compare the fingerprint.`,
    );
  }
  const offered = `${keyType(shown)} ${fingerprint(shown)}`;
  switch (judge(known, shown)) {
    case "revoked":
      return error(
        `its key ${offered} is marked @revoked in ${known.revoked.map(({ where }) => where).join(", ")}`,
        "Do not connect: whoever answers holds a key that was withdrawn. Give the host a new key, and file that.",
      );
    case "changed":
      return error(
        `its key is ${offered}, but known is ${trusted}`,
        `Somebody may be in between. ${check}. Only if the host has a new key: \`ssh-keygen -f ${file} -R '${filed}'\`, then \`${login}\`.`,
      );
    default: {
      const authority =
        known.authorities.length > 0
          ? ` (${known.authorities.map(({ where }) => where).join(", ")} names a certificate authority for it, which is not supported)`
          : "";
      const weaker = /^(no|false|off|accept-new)$/.test(destination.strictHostKeyChecking)
        ? ` StrictHostKeyChecking ${destination.strictHostKeyChecking} in the ssh configuration is not followed here.`
        : "";
      return error(
        `its key ${offered} is not known as ${filed} in ${knownHostsFiles.join(", ") || "any file"}${authority}`,
        `${check}, then accept it with \`${login}\`, or file it with \`ssh-keyscan -p ${port} ${hostname} >> ${file}\`.${weaker}`,
      );
    }
  }
}
