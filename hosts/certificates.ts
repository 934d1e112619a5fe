import { verifySignature } from "./certificates-signature.ts";
import { Malformed, WireReader, wireString } from "./wire-format.ts";

/**
 * An OpenSSH certificate: a public key, what it may be used for, and the signature of an authority over both.
 * Format: OpenSSH's PROTOCOL.certkeys.
 */
export interface Certificate {
  /** The whole of it, as it travels. */
  readonly blob: Buffer;
  /** E.g. `ssh-ed25519-cert-v01@openssh.com`. */
  readonly type: string;
  /** The type of the key inside, e.g. `ssh-ed25519`. */
  readonly plainType: string;
  /** The key inside, as a public key blob. */
  readonly plainKey: Buffer;
  readonly use: "user" | "host";
  /** What the authority called it. */
  readonly id: string;
  /** The users or hosts it is for. */
  readonly principals: readonly string[];
  /** Seconds since 1970. */
  readonly validAfter: bigint;
  /** Seconds since 1970; the first that it is no longer valid in. */
  readonly validBefore: bigint;
  /** Names of the conditions that whoever accepts it must understand. */
  readonly criticalOptions: readonly string[];
  /** The key that signed it, as a public key blob. */
  readonly authority: Buffer;
  /** What the authority signed with, e.g. `rsa-sha2-512`. */
  readonly signatureAlgorithm: string;
}

/** The plain key types that there are certificates of, with the number of fields that make up such a key. */
const keyFields: ReadonlyMap<string, number> = new Map([
  ["ssh-ed25519", 1],
  ["ecdsa-sha2-nistp256", 2],
  ["ecdsa-sha2-nistp384", 2],
  ["ecdsa-sha2-nistp521", 2],
  ["ssh-rsa", 2],
]);

const suffix = "-cert-v01@openssh.com";
/** As OpenSSH has it (SSHKEY_CERT_MAX_PRINCIPALS). */
const mostPrincipals = 256;
/** How `ssh-keygen -V` writes an end that never comes. */
const forever = 0xffff_ffff_ffff_ffffn;

/** Whether a key type is that of a certificate, of whatever key. */
export function isCertificateType(type: string): boolean {
  return /-cert-v\d+@openssh\.com$/.test(type);
}

/**
 * Reads a certificate, and verifies that the authority which it names has signed it. Whether that authority is
 * to be believed, and whether it fits and is valid, are other questions.
 *
 * @throws Malformed with what is wrong with it
 */
export function readCertificate(blob: Buffer): Certificate {
  const reader = new WireReader(blob);
  const type = reader.text();
  const plainType = type.endsWith(suffix) ? type.slice(0, -suffix.length) : "";
  const fields = keyFields.get(plainType);
  if (fields === undefined) {
    throw new Malformed(isCertificateType(type) ? `${type} is not supported` : "it is no certificate");
  }
  reader.string(); // The nonce, which only makes what is signed unpredictable.
  const plainKey = Buffer.concat([
    wireString(plainType),
    ...Array.from({ length: fields }, () => wireString(reader.string())),
  ]);
  reader.uint64(); // The serial number, which only lists of revoked certificates look at.
  const use = reader.uint32();
  if (use !== 1 && use !== 2) throw new Malformed(`it is for neither users nor hosts (but for ${use})`);
  const id = reader.text();
  const principals = texts(reader.string());
  if (principals.length > mostPrincipals) throw new Malformed(`it has over ${mostPrincipals} principals`);
  const validAfter = reader.uint64();
  const validBefore = reader.uint64();
  const criticalOptions = optionNames(reader.string());
  optionNames(reader.string()); // Extensions: what a user may do beyond logging in, for the host to look at.
  reader.string(); // Reserved: to be ignored, says the format.
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
  if (new Set(names).size < names.length) throw new Malformed("an option is in it twice");
  return names;
}

/** The certificate of a line `TYPE BASE64 comment`, as in a file ID-cert.pub. Throws Malformed. */
export function readCertificateLine(line: string): Certificate {
  const [type, base64] = line.trim().split(/\s+/);
  if (!type || !base64 || !isCertificateType(type)) throw new Malformed("it is no certificate");
  const certificate = readCertificate(Buffer.from(base64, "base64"));
  if (certificate.type !== type) throw new Malformed(`it says ${type}, and is ${certificate.type}`);
  return certificate;
}

/**
 * What keeps a certificate from being valid at a time, with what to look at; undefined where it is valid.
 *
 * @param now milliseconds since 1970
 */
export function invalidAt(
  { validAfter, validBefore }: Certificate,
  now: number,
): { found: string; early: boolean } | undefined {
  const seconds = BigInt(Math.floor(now / 1000));
  const validity = `valid from ${moment(validAfter)} to ${moment(validBefore)}`;
  const here = `it is ${moment(seconds)} here`;
  if (seconds < validAfter) return { found: `is not yet valid: ${validity}, and ${here}`, early: true };
  if (seconds >= validBefore) return { found: `has expired: ${validity}, and ${here}`, early: false };
  return undefined;
}

/** A time as people read it; those beyond the calendar of the language count as none. */
function moment(seconds: bigint): string {
  if (seconds === 0n) return "always";
  if (seconds === forever) return "forever";
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.valueOf()) ? `second ${seconds}` : date.toISOString().replace(".000Z", "Z");
}
