import { createRequire } from "node:module";
import type { Client, ParsedKey } from "ssh2";
import type { Certificate } from "./certificates.ts";
import { wireString } from "./wire-format.ts";

/**
 * ssh2 1.17.0 logs in with plain keys only: it writes the same algorithm name into the request and into the signature,
 * and for a certificate these differ. This file sends such requests instead. The internals of ssh2 that it uses
 * (lib/protocol/Protocol.js, authPK, and lib/protocol/utils.js) are declared here. The version is pinned, and
 * test/lab/hosts/certificates.test.ts logs in with every type of key.
 */
interface Protocol {
  authPK(user: string, key: ParsedKey, algorithm: string | undefined, sign?: Sign): void;
  readonly _kex: { readonly sessionID: Buffer };
  readonly _authsQueue: string[];
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number;
      alloc(length: number): Uint8Array;
      finalize(packet: Uint8Array): Uint8Array;
    };
  };
}
type Sign = (data: Buffer, done: (signature: Buffer) => void) => void;

const { sendPacket, convertSignature } = createRequire(import.meta.url)("ssh2/lib/protocol/utils.js") as {
  sendPacket(protocol: Protocol, packet: Uint8Array): void;
  convertSignature(signature: Buffer, keyType: string): Buffer | false | undefined;
};

const userAuthenticationRequest = 50;

/** A key that is offered with a certificate. */
interface CertifiedKey extends ParsedKey {
  readonly certificate: Certificate;
  /** The public key blob that identifies the signing key in an agent. */
  readonly signer: Buffer;
}

/**
 * A key that is offered with a certificate. It signs with the plain key.
 *
 * @param signer The public key blob that identifies it in an agent. Default: the plain key's.
 */
export function withCertificate(
  plain: ParsedKey,
  certificate: Certificate,
  signer: Buffer = certificate.plainKey,
): ParsedKey {
  // Object.create, because ssh2 identifies its keys by private properties. SHA-1, its default for RSA, is never used.
  return Object.create(plain, {
    type: { value: certificate.type },
    getPublicSSH: { value: () => certificate.blob },
    sign: { value: (data: Buffer) => plain.sign(data, rsaHash(certificate)) },
    certificate: { value: certificate },
    signer: { value: signer },
  }) as CertifiedKey;
}

/** The certificate that a key is offered with. */
export function certificateOf(key: ParsedKey): Certificate | undefined {
  return (key as Partial<CertifiedKey>).certificate;
}

/** How to request a signature from an agent: the key as the agent knows it, and the hash. */
export function agentSigningRequest(
  key: ParsedKey,
): { key: ParsedKey; hash: "sha512" | undefined } | undefined {
  const { certificate, signer } = key as Partial<CertifiedKey>;
  if (!certificate || !signer) return undefined;
  const known = Object.create(key, {
    type: { value: certificate.plainType },
    getPublicSSH: { value: () => signer },
  }) as ParsedKey;
  return { key: known, hash: rsaHash(certificate) };
}

function rsaHash({ plainType }: Certificate): "sha512" | undefined {
  return plainType === "ssh-rsa" ? "sha512" : undefined;
}

/** Lets a client, before it logs in, offer keys with certificates. */
export function acceptCertifiedKeys(client: Client): void {
  const protocol = (client as unknown as { readonly _protocol: Protocol })._protocol;
  const sendPlainKey = protocol.authPK;
  protocol.authPK = (user, key, algorithm, sign) => {
    const certificate = certificateOf(key);
    if (!certificate) return sendPlainKey.call(protocol, user, key, algorithm, sign);
    const { plainType, type, blob } = certificate;
    const rsa = plainType === "ssh-rsa";
    const signed = rsa ? "rsa-sha2-512" : plainType;
    const shown = rsa ? "rsa-sha2-512-cert-v01@openssh.com" : type;
    const request = Buffer.concat([
      Buffer.from([userAuthenticationRequest]),
      wireString(user),
      wireString("ssh-connection"),
      wireString("publickey"),
      Buffer.from([sign ? 1 : 0]),
      wireString(shown),
      wireString(blob),
    ]);
    if (!sign) return send(protocol, request);
    sign(Buffer.concat([wireString(protocol._kex.sessionID), request]), (raw) => {
      const signature = convertSignature(raw, plainType);
      if (!signature) throw new Error("a signature that ssh2 made cannot be read");
      const proof = Buffer.concat([wireString(signed), wireString(signature)]);
      send(protocol, Buffer.concat([request, wireString(proof)]));
    });
  };
}

function send(protocol: Protocol, request: Buffer): void {
  const { write } = protocol._packetRW;
  const packet = write.alloc(request.length);
  packet.set(request, write.allocStart);
  protocol._authsQueue.push("publickey");
  sendPacket(protocol, write.finalize(packet));
}
