import { type Certificate, invalidAt, isCertificateType, readCertificate } from "./certificates.ts";
import { fingerprint, type KnownHost, type KnownKeys, keyType } from "./known-hosts.ts";
import { Malformed } from "./wire-format.ts";

/** Why a host's certificate was not accepted. */
export interface CertificateProblem {
  /** A clause about the certificate, for people. */
  readonly found: string;
  /** An imperative sentence. */
  readonly remedy: string;
}

/** A key that is known by a certificate. */
export interface CertifiedKey extends KnownHost {
  readonly certificate: Certificate;
}

/** What a host's certificates come to. */
export interface Certified {
  /** The keys inside those that are good, each as if it stood in known_hosts. */
  readonly keys: readonly CertifiedKey[];
  readonly problems: readonly CertificateProblem[];
}

/** What a certificate is checked against. */
export interface HostCertificateCheck {
  readonly known: KnownKeys;
  /** The name that must be among its principals: HostKeyAlias, else HostName. */
  readonly name: string;
  /** CASignatureAlgorithms. */
  readonly signatureAlgorithms: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Which keys the certificates in `lines` make known. Lines are `TYPE BASE64`, perhaps behind a name, as
 * ssh-keyscan prints them; whoever carried them here need not be trusted, as each proves itself. That the host
 * owns the key is for the key exchange to show.
 */
export function certifiedKeys(lines: readonly string[], check: HostCertificateCheck): Certified {
  const keys: CertifiedKey[] = [];
  const problems: CertificateProblem[] = [];
  for (const line of lines) {
    const words = line.trim().split(/\s+/);
    const at = words.findIndex(isCertificateType);
    if (at < 0) continue;
    const answer = judgeCertificate(Buffer.from(words[at + 1] ?? "", "base64"), check);
    if ("certificate" in answer) keys.push(answer);
    else problems.push({ ...answer, found: `its certificate ${words[at]} ${answer.found}` });
  }
  return { keys, problems };
}

/** In ssh's order: the authority, then whether the certificate fits. See sshkey_cert_check_host in OpenSSH. */
function judgeCertificate(blob: Buffer, check: HostCertificateCheck): CertifiedKey | CertificateProblem {
  const { known, name, now } = check;
  let certificate: Certificate;
  try {
    certificate = readCertificate(blob);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return {
      found: `cannot be accepted: ${error.message}`,
      remedy: "Make the host's certificate anew (`ssh-keygen -s CA_KEY -h -I ID -n NAME HOST_KEY.pub`).",
    };
  }
  const { authority, plainKey, plainType, principals, criticalOptions, signatureAlgorithm } = certificate;
  const signer = `${keyType(authority)} ${fingerprint(authority)}`;
  const is = (key: Buffer) => (host: KnownHost) => host.key.equals(key);
  const revoked = known.revoked.find(is(authority)) ?? known.revoked.find(is(plainKey));
  if (revoked) {
    const what = revoked.key.equals(authority) ? "the key of its authority" : "the key inside";
    return {
      found: `cannot be accepted: ${what} is marked @revoked in ${revoked.where}`,
      remedy:
        "Do not connect: that key was withdrawn. Give the host a new key, signed by an authority in force.",
    };
  }
  const trusted = known.authorities.find(is(authority));
  if (!trusted) {
    return {
      found: `was signed by another authority (${signer}) than ${authorities(known)}`,
      remedy: `Sign the host's key with the right authority. Only if the authority has a new key, file that in known_hosts: \`@cert-authority PATTERN KEY\`.`,
    };
  }
  if (!check.signatureAlgorithms.includes(signatureAlgorithm)) {
    return {
      found: `is signed with ${signatureAlgorithm}, which CASignatureAlgorithms in the ssh configuration leaves out`,
      remedy: "Sign the host's key with one of those algorithms, or allow this one.",
    };
  }
  if (certificate.use !== "host") {
    return {
      found: "is one for users",
      remedy:
        "Sign the host's key as a host's (`ssh-keygen -s CA_KEY -h ...`), and name that in HostCertificate.",
    };
  }
  const invalid = invalidAt(certificate, now);
  if (invalid) {
    return {
      found: invalid.found,
      remedy: invalid.early
        ? "Set the clock of this machine, if it is wrong; else wait, or sign the host's key again."
        : "Sign the host's key again, put the certificate beside it and reload sshd. If the time here is wrong, set the clock of this machine.",
    };
  }
  // Without any principal it is for every host: PROTOCOL.certkeys, and ssh does the same. No patterns here.
  if (principals.length > 0 && !principals.includes(name)) {
    return {
      found: `is for ${principals.join(", ")}, not for ${name}`,
      remedy: `Sign the host's key for that name too (\`-n ${[...principals, name].join(",")}\`), or set HostName or HostKeyAlias in the ssh configuration to a name that it is for.`,
    };
  }
  if (criticalOptions.length > 0) {
    return {
      found: `has conditions that are not understood (${criticalOptions.join(", ")})`,
      remedy: "Sign the host's key without critical options: ssh knows none for hosts.",
    };
  }
  const where = `certificate "${certificate.id}" by ${trusted.where}`;
  return { marker: undefined, patterns: name, type: plainType, key: plainKey, where, certificate };
}

/** The authorities that are known for a host, for people. */
export function authorities(known: KnownKeys): string {
  return known.authorities.map(({ type, key, where }) => `${type} ${fingerprint(key)} (${where})`).join(", ");
}
