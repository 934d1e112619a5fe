import {
  createMessage,
  config as defaults,
  enums,
  type PublicKey,
  readCleartextMessage,
  readSignature,
  type Signature,
  verify,
} from "openpgp";
import { ExplainedError } from "../../errors/explained-error.ts";
import { splitClearsigned, toPlainText } from "./clearsigned-text.ts";
import type { TrustedKeys } from "./keyring.ts";

export interface Verified {
  /** The signed text. No other part of the file may be trusted. */
  readonly text: string;
  /** Full fingerprint of the declared primary key that signed, itself or by a subkey. */
  readonly signedBy: string;
  /** Why the accepted signature is weak. Undefined if there is a strong one. */
  readonly weak?: string | undefined;
}

/** Checks that may fail. */
interface AcceptedSignatures {
  /**
   * The reason for accepting a signature with SHA-1, DSA or RSA with 1024 bits. MD5 and shorter keys are always
   * refused. apt refuses SHA-1 too, unless configured otherwise (apt-secure(8)).
   */
  readonly weakSignature?: string | undefined;
}

/** Milliseconds that the time of a signature may be ahead of the local clock. */
const clockTolerance = 86_400_000;

const brokenHashes = [enums.hash.md5, enums.hash.ripemd];
const strict = { ...defaults, rejectMessageHashAlgorithms: new Set([...brokenHashes, enums.hash.sha1]) };
const lax = {
  ...defaults,
  rejectMessageHashAlgorithms: new Set(brokenHashes),
  rejectPublicKeyAlgorithms: new Set([enums.publicKey.elgamal]),
  minRSABits: 1024,
};
type Config = typeof defaults;

/** Verifies a clearsigned file such as InRelease: one good signature by a declared key is enough. */
export async function verifyClearsigned(
  bytes: Uint8Array,
  trusted: TrustedKeys,
  now: Date,
  name: string,
  accept: AcceptedSignatures = {},
): Promise<Verified> {
  const parts = splitClearsigned(bytes);
  if (!parts) {
    throw refuse(
      name,
      "it is not one clearsigned text from beginning to end (it is truncated, or text was added)",
    );
  }
  // The library checks the frame, and reads the signatures.
  await attempt(name, () => readCleartextMessage({ cleartextMessage: parts.frame }));
  const signature = await attempt(name, () => readSignature({ armoredSignature: parts.signature }));
  const signer = await signerOf(parts.canonical, signature, trusted, now, name, accept);
  return { text: toPlainText(parts.canonical), ...signer };
}

/** Verifies a text and its detached signature, such as Release and Release.gpg. */
export async function verifyDetached(
  bytes: Uint8Array,
  signature: Uint8Array,
  trusted: TrustedKeys,
  now: Date,
  name: string,
  accept: AcceptedSignatures = {},
): Promise<Verified> {
  const armored = Buffer.from(signature).toString("latin1");
  const parsed: Signature = await attempt(`${name}.gpg`, () =>
    armored.includes("-----BEGIN PGP")
      ? readSignature({ armoredSignature: armored })
      : readSignature({ binarySignature: signature }),
  );
  const signer = await signerOf(bytes, parsed, trusted, now, name, accept);
  return { text: Buffer.from(bytes).toString("utf8"), ...signer };
}

type Signer = Pick<Verified, "signedBy" | "weak">;

/** The declared key with a valid signature of these bytes. A weak one counts only if it is accepted. */
async function signerOf(
  bytes: Uint8Array,
  signature: Signature,
  trusted: TrustedKeys,
  now: Date,
  name: string,
  { weakSignature }: AcceptedSignatures,
): Promise<Signer> {
  const found = await checked(bytes, signature, trusted, now, name, strict);
  if (typeof found === "string") return { signedBy: found };
  const weak = await checked(bytes, signature, trusted, now, name, lax);
  if (typeof weak !== "string") throw found;
  const reasons = found.explanation.found;
  if (weakSignature) return { signedBy: weak, weak: reasons };
  throw refuse(
    name,
    `${reasons}: the declared key has made it, but it is too weak`,
    undefined,
    ["upstream.accept"],
    "Nothing was changed. Ask the operator of the archive for a stronger one. To accept it anyway, give the reason in upstream.accept.weakSignature.",
  );
}

/** Full fingerprint of the declared key with a valid signature, or what is wrong with all signatures. */
async function checked(
  bytes: Uint8Array,
  signature: Signature,
  trusted: TrustedKeys,
  now: Date,
  name: string,
  config: Config,
): Promise<string | ExplainedError> {
  const message = await createMessage({ binary: inPieces(bytes) });
  const { signatures, data } = await attempt(name, () =>
    verify({
      message,
      signature,
      verificationKeys: [...trusted.keys],
      date: new Date(now.getTime() + clockTolerance),
      // Otherwise it also converts the bytes to a text, which is not needed.
      format: "binary",
      config,
    }),
  );
  // The library hashes only while the caller reads.
  const reader = (data as ReadableStream<Uint8Array>).getReader();
  while (!(await reader.read()).done);
  return firstValidSigner(signatures, trusted, now, name, config);
}

type Checked = Awaited<ReturnType<typeof verify>>["signatures"][number];

async function firstValidSigner(
  signatures: readonly Checked[],
  trusted: TrustedKeys,
  now: Date,
  name: string,
  config: Config,
): Promise<string | ExplainedError> {
  const reasons: string[] = [];
  for (const signature of signatures) {
    const id = signature.keyID.toHex().toUpperCase();
    const key = trusted.keys.find((candidate) => candidate.getKeys(signature.keyID).length > 0);
    if (!key) {
      reasons.push(`one by ${id}, which is not declared`);
      continue;
    }
    try {
      await signature.verified;
      await requireValidKey(key, signature, now, config);
      return key.getFingerprint().toUpperCase();
    } catch (error) {
      reasons.push(`one by ${id}: ${(error as Error).message}`);
    }
  }
  return refuse(
    name,
    reasons.length > 0
      ? `no good signature by ${trusted.fingerprints.join(" or ")}: ${reasons.join("; ")}`
      : "it has no signature",
    undefined,
    // Only if an unknown key has signed, the declared key may be the wrong one.
    reasons.some((reason) => reason.endsWith("which is not declared")) ? ["upstream.key"] : [],
  );
}

/** A signature is not valid any more when its key has expired, as in apt. */
async function requireValidKey(key: PublicKey, signature: Checked, now: Date, config: Config): Promise<void> {
  await key.verifyPrimaryKey(now, undefined, config);
  await key.getSigningKey(signature.keyID, now, undefined, config);
}

async function attempt<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw refuse(name, `the signature cannot be read (${(error as Error).message})`, error);
  }
}

function refuse(
  name: string,
  found: string,
  cause?: unknown,
  values?: readonly string[],
  remedy = values?.includes("upstream.key")
    ? "Nothing was changed. Ask the operator of the archive. If its key was changed, declare the new full fingerprint."
    : "Nothing was changed. Try again. If the error stays, ask the operator of the archive, and check whether a proxy changes the content.",
): ExplainedError {
  return new ExplainedError({
    values,
    step: `verifying the signature of ${name}`,
    found,
    remedy,
    cause,
  });
}

/** Bytes as a stream, which the library hashes as it arrives. It would copy a whole buffer twice. */
function inPieces(bytes: Uint8Array): ReadableStream<Uint8Array> {
  const pieceBytes = 262_144;
  let start = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (start >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(start, start + pieceBytes));
      start += pieceBytes;
    },
  });
}
