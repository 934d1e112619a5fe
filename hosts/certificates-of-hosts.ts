import { type Certificate, invalidAt, isCertificateType, readCertificate } from "./certificates.ts";
import { fingerprint, type KnownHost, type KnownKeys, keyType } from "./known-hosts.ts";
import { Malformed } from "./wire-format.ts";

/** Why a host's certificate was not accepted. */
export interface CertificateProblem {
  /** A clause about the certificate, for messages. */
  readonly found: string;
  /** An imperative sentence. */
  readonly remedy: string;
}

/** A key that is trusted because of a certificate. */
interface CertifiedKey extends KnownHost {
  readonly certificate: Certificate;
}

/** The result of checking a host's certificates. */
export interface Certified {
  /** The keys of the valid certificates, in the form of known_hosts entries. */
  readonly keys: readonly CertifiedKey[];
  readonly problems: readonly CertificateProblem[];
}

/** What a certificate is checked against. */
interface HostCertificateCheck {
  readonly known: KnownKeys;
  /** The name that must be among its principals: HostKeyAlias, else HostName. */
  readonly name: string;
  /** CASignatureAlgorithms. */
  readonly signatureAlgorithms: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Which keys become trusted by the certificates in `lines`. A line is `TYPE BASE64`, with an optional name before it,
 * as ssh-keyscan prints it. The source of the lines need not be trusted, as each certificate is verified. The key
 * exchange proves that the host owns the key.
 */
export function certifiedKeys(lines: readonly string[], check: HostCertificateCheck): Certified {
  const keys: CertifiedKey[] = [];
  const problems: CertificateProblem[] = [];
  for (const line of lines) {
    const words = line.trim().split(/\s+/);
    const at = words.findIndex(isCertificateType);
    if (at < 0) continue;
    const answer = checkCertificate(Buffer.from(words[at + 1] ?? "", "base64"), check);
    if ("certificate" in answer) keys.push(answer);
    else problems.push({ ...answer, found: `its certificate ${words[at]} ${answer.found}` });
  }
  return { keys, problems };
}

/**
 * In ssh's order: first the authority, then the contents of the certificate. See sshkey_cert_check_host in OpenSSH.
 */
function checkCertificate(blob: Buffer, check: HostCertificateCheck): CertifiedKey | CertificateProblem {
  const { known, name, now } = check;
  let certificate: Certificate;
  try {
    certificate = readCertificate(blob);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return {
      found: `cannot be accepted: ${error.message}`,
      remedy: "Make a new certificate for the host (`ssh-keygen -s CA_KEY -h -I ID -n NAME HOST_KEY.pub`).",
    };
  }
  const { authority, plainKey, plainType, principals, criticalOptions, signatureAlgorithm } = certificate;
  const signer = `${keyType(authority)} ${fingerprint(authority)}`;
  const is = (key: Buffer) => (host: KnownHost) => host.key.equals(key);
  const revoked = known.revoked.find(is(authority)) ?? known.revoked.find(is(plainKey));
  if (revoked) {
    const what = revoked.key.equals(authority) ? "the key of its authority" : "its key";
    return {
      found: `cannot be accepted: ${what} is marked @revoked in ${revoked.where}`,
      remedy: "Do not connect: that key is revoked. Give the host a new key, signed by a valid authority.",
    };
  }
  const trusted = known.authorities.find(is(authority));
  if (!trusted) {
    return {
      found: `was signed by another authority (${signer}) than ${authorities(known)}`,
      remedy: `Sign the host's key with the right authority. Only if the authority has a new key, add that to known_hosts: \`@cert-authority PATTERN KEY\`.`,
    };
  }
  if (!check.signatureAlgorithms.includes(signatureAlgorithm)) {
    return {
      found: `is signed with ${signatureAlgorithm}, which CASignatureAlgorithms in the ssh configuration does not allow`,
      remedy: "Sign the host's key with one of those algorithms, or allow this one.",
    };
  }
  if (certificate.use !== "host") {
    return {
      found: "is a user certificate",
      remedy:
        "Sign the host's key as a host key (`ssh-keygen -s CA_KEY -h ...`), and name that certificate in HostCertificate.",
    };
  }
  const invalid = invalidAt(certificate, now);
  if (invalid) {
    return {
      found: invalid.found,
      remedy: invalid.early
        ? "If the clock of this machine is wrong, set it. Otherwise wait, or sign the host's key again."
        : "Sign the host's key again, put the certificate beside it and reload sshd. If the clock of this machine is wrong, set it.",
    };
  }
  // A certificate without principals is valid for every host, as in ssh (PROTOCOL.certkeys). Principals are not
  // patterns.
  if (principals.length > 0 && !principals.includes(name)) {
    return {
      found: `is for ${principals.join(", ")}, not for ${name}`,
      remedy: `Sign the host's key for that name too (\`-n ${[...principals, name].join(",")}\`), or set HostName or HostKeyAlias in the ssh configuration to one of its names.`,
    };
  }
  if (criticalOptions.length > 0) {
    return {
      found: `has unknown critical options (${criticalOptions.join(", ")})`,
      remedy: "Sign the host's key without critical options: ssh supports none for hosts.",
    };
  }
  const where = `certificate "${certificate.id}" by ${trusted.where}`;
  return { marker: undefined, patterns: name, type: plainType, key: plainKey, where, certificate };
}

/** The authorities that are known for a host, for messages. */
export function authorities(known: KnownKeys): string {
  return known.authorities.map(({ type, key, where }) => `${type} ${fingerprint(key)} (${where})`).join(", ");
}
