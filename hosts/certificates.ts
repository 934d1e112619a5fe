import { verifySignature } from "./certificates-signature.ts";
import { Malformed, WireReader, wireString } from "./wire-format.ts";

/**
 * An OpenSSH certificate: a public key, what it may be used for, and the signature of an authority over both.
 * Format: OpenSSH's PROTOCOL.certkeys.
 */
export interface Certificate {
  /** The complete certificate in wire format. */
  readonly blob: Buffer;
  /** E.g. `ssh-ed25519-cert-v01@openssh.com`. */
  readonly type: string;
  /** The type of the key inside, e.g. `ssh-ed25519`. */
  readonly plainType: string;
  /** The key inside, as a public key blob. */
  readonly plainKey: Buffer;
  readonly use: "user" | "host";
  /** The name that the authority gave it. */
  readonly id: string;
  /** The users or hosts it is for. */
  readonly principals: readonly string[];
  /** Seconds since 1970. */
  readonly validAfter: bigint;
  /** Seconds since 1970; the first second in which it is no longer valid. */
  readonly validBefore: bigint;
  /** Names of critical options. A verifier must refuse the certificate if it does not know one of them. */
  readonly criticalOptions: readonly string[];
  /** The key that signed it, as a public key blob. */
  readonly authority: Buffer;
  /** The authority's signature algorithm, e.g. `rsa-sha2-512`. */
  readonly signatureAlgorithm: string;
}

/** The plain key types that have a certificate type, with the number of fields of such a key. */
const keyFields: ReadonlyMap<string, number> = new Map([
  ["ssh-ed25519", 1],
  ["ecdsa-sha2-nistp256", 2],
  ["ecdsa-sha2-nistp384", 2],
  ["ecdsa-sha2-nistp521", 2],
  ["ssh-rsa", 2],
]);

const suffix = "-cert-v01@openssh.com";
/** The same limit as OpenSSH (SSHKEY_CERT_MAX_PRINCIPALS). */
const maximumPrincipals = 256;
/** How `ssh-keygen -V` writes a certificate without end of validity. */
const forever = 0xffff_ffff_ffff_ffffn;

/** Whether a key type is a certificate type. */
export function isCertificateType(type: string): boolean {
  return /-cert-v\d+@openssh\.com$/.test(type);
}

/**
 * Reads a certificate, and verifies that the authority named in it has signed it. The caller checks whether that
 * authority is trusted, whether the certificate is valid now and for which names.
 *
 * @throws Malformed with the reason.
 */
export function readCertificate(blob: Buffer): Certificate {
  const reader = new WireReader(blob);
  const type = reader.text();
  const plainType = type.endsWith(suffix) ? type.slice(0, -suffix.length) : "";
  const fields = keyFields.get(plainType);
  if (fields === undefined) {
    throw new Malformed(isCertificateType(type) ? `${type} is not supported` : "it is not a certificate");
  }
  reader.string(); // The nonce, which makes the signed data unpredictable.
  const plainKey = Buffer.concat([
    wireString(plainType),
    ...Array.from({ length: fields }, () => wireString(reader.string())),
  ]);
  reader.uint64(); // The serial number, used only by revocation lists.
  const use = reader.uint32();
  if (use !== 1 && use !== 2) throw new Malformed(`its certificate type is ${use}, not 1 (user) or 2 (host)`);
  const id = reader.text();
  const principals = texts(reader.string());
  if (principals.length > maximumPrincipals)
    throw new Malformed(`it has more than ${maximumPrincipals} principals`);
  const validAfter = reader.uint64();
  const validBefore = reader.uint64();
  const criticalOptions = optionNames(reader.string());
  optionNames(reader.string()); // Extensions: further rights of a user, which the host checks.
  reader.string(); // Reserved. The format says to ignore it.
  const authority = reader.string();
  const signed = blob.subarray(0, reader.position);
  const signature = reader.string();
  reader.end();
  return {
    blob,
    type,
    plainType,
    plainKey,
    use: use === 1 ? "user" : "host",
    id,
    principals,
    validAfter,
    validBefore,
    criticalOptions,
    authority,
    signatureAlgorithm: verifySignature(authority, signed, signature),
  };
}

function texts(list: Buffer): string[] {
  const reader = new WireReader(list);
  const found: string[] = [];
  while (!reader.isAtEnd) found.push(reader.text());
  return found;
}

function optionNames(list: Buffer): string[] {
  const reader = new WireReader(list);
  const names: string[] = [];
  while (!reader.isAtEnd) {
    names.push(reader.text());
    reader.string();
  }
  if (new Set(names).size < names.length) throw new Malformed("an option is listed twice");
  return names;
}

/** The certificate of a line `TYPE BASE64 comment`, as in a file ID-cert.pub. Throws Malformed. */
export function readCertificateLine(line: string): Certificate {
  const [type, base64] = line.trim().split(/\s+/);
  if (!type || !base64 || !isCertificateType(type)) throw new Malformed("it is not a certificate");
  const certificate = readCertificate(Buffer.from(base64, "base64"));
  if (certificate.type !== type)
    throw new Malformed(`its line says ${type}, but the certificate says ${certificate.type}`);
  return certificate;
}

/**
 * Why a certificate is not valid at a time; undefined if it is valid.
 *
 * @param now Milliseconds since 1970.
 */
export function invalidAt(
  { validAfter, validBefore }: Certificate,
  now: number,
): { found: string; early: boolean } | undefined {
  const seconds = BigInt(Math.floor(now / 1000));
  const validity = `valid from ${moment(validAfter)} to ${moment(validBefore)}`;
  const here = `it is ${moment(seconds)} on this machine`;
  if (seconds < validAfter) return { found: `is not yet valid: ${validity}, and ${here}`, early: true };
  if (seconds >= validBefore) return { found: `has expired: ${validity}, and ${here}`, early: false };
  return undefined;
}

/** A time for messages. Times that JavaScript cannot represent are shown as seconds. */
function moment(seconds: bigint): string {
  if (seconds === 0n) return "always";
  if (seconds === forever) return "forever";
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.valueOf()) ? `second ${seconds}` : date.toISOString().replace(".000Z", "Z");
}
