import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { Malformed, WireReader } from "./wire-format.ts";

/** Minimum bits of an RSA key: ssh's default for RequiredRSASize. */
const minimumRsaBits = 1024;
const curves: ReadonlyMap<string, { name: string; jwk: string; bytes: number; hash: string }> = new Map([
  ["ecdsa-sha2-nistp256", { name: "nistp256", jwk: "P-256", bytes: 32, hash: "sha256" }],
  ["ecdsa-sha2-nistp384", { name: "nistp384", jwk: "P-384", bytes: 48, hash: "sha384" }],
  ["ecdsa-sha2-nistp521", { name: "nistp521", jwk: "P-521", bytes: 66, hash: "sha512" }],
]);
const rsaHashes: ReadonlyMap<string, string> = new Map([
  ["rsa-sha2-256", "sha256"],
  ["rsa-sha2-512", "sha512"],
]);

/**
 * Verifies an authority's signature of a certificate. SHA-1 (`ssh-rsa`) is refused, as in ssh since 8.2.
 *
 * @param authority A plain public key blob. The format excludes certificates that sign certificates.
 * @returns The algorithm that was used.
 * @throws Malformed with the reason.
 */
export function verifySignature(authority: Buffer, signed: Buffer, signature: Buffer): string {
  const { type, key } = authorityKey(authority);
  const reader = new WireReader(signature);
  const algorithm = reader.text();
  const value = reader.string();
  reader.end();
  const good = () => {
    if (type === "ssh-ed25519" && algorithm === type) return verify(null, signed, key, value);
    const curve = curves.get(type);
    if (curve && algorithm === type) {
      const raw = rawSignature(value, curve.bytes);
      return verify(curve.hash, signed, { key, dsaEncoding: "ieee-p1363" }, raw);
    }
    const hash = rsaHashes.get(algorithm);
    if (type === "ssh-rsa" && hash) return verify(hash, signed, key, value);
    throw new Malformed(`its authority signed it with ${algorithm}, which is not accepted for a ${type} key`);
  };
  if (!good()) throw new Malformed("the signature of its authority is wrong");
  return algorithm;
}

function authorityKey(blob: Buffer): { type: string; key: KeyObject } {
  const reader = new WireReader(blob);
  const type = reader.text();
  const jwk = (members: Record<string, string>): KeyObject => {
    reader.end();
    try {
      return createPublicKey({ key: members, format: "jwk" });
    } catch {
      throw new Malformed(`the key of its authority is not a valid ${type} key`);
    }
  };
  const base64url = (bytes: Buffer) => bytes.toString("base64url");
  if (type === "ssh-ed25519")
    return { type, key: jwk({ kty: "OKP", crv: "Ed25519", x: base64url(reader.string()) }) };
  if (type === "ssh-rsa") {
    const [e, n] = [reader.string(), reader.string()].map(unsigned) as [Buffer, Buffer];
    const key = jwk({ kty: "RSA", e: base64url(e), n: base64url(n) });
    if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < minimumRsaBits)
      throw new Malformed(`the RSA key of its authority has fewer than ${minimumRsaBits} bits`);
    return { type, key };
  }
  const curve = curves.get(type);
  if (!curve) throw new Malformed(`its authority has a key of type ${type}, which is not supported`);
  const name = reader.text();
  const point = reader.string();
  if (name !== curve.name || point.length !== 1 + 2 * curve.bytes || point[0] !== 4)
    throw new Malformed(`the key of its authority is not a valid ${type} key`);
  const x = base64url(point.subarray(1, 1 + curve.bytes));
  return { type, key: jwk({ kty: "EC", crv: curve.jwk, x, y: base64url(point.subarray(1 + curve.bytes)) }) };
}

/** Both numbers of an ECDSA signature, padded to the curve's length. SSH encodes them with variable length. */
function rawSignature(value: Buffer, bytes: number): Buffer {
  const reader = new WireReader(value);
  const numbers = [reader.string(), reader.string()].map((number) => {
    const digits = unsigned(number);
    if (digits.length > bytes) throw new Malformed("the signature of its authority is wrong");
    return Buffer.concat([Buffer.alloc(bytes - digits.length), digits]);
  });
  reader.end();
  return Buffer.concat(numbers);
}

/** SSH writes a zero before numbers whose first bit is set. */
function unsigned(number: Buffer): Buffer {
  let start = 0;
  while (number[start] === 0) start++;
  return number.subarray(start);
}
