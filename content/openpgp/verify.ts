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
  /** What was signed. Nothing else of a file may be believed. */
  readonly text: string;
  /** Full fingerprint of the declared primary key whose signature, or whose subkey's, is good. */
  readonly signedBy: string;
  /** What is weak about the signature that was taken all the same. Undefined where a strong one was found. */
  readonly weak?: string | undefined;
}

/** What is taken all the same. */
interface AcceptedSignatures {
  /**
   * Why a signature is taken that rests on SHA-1, on DSA or on RSA with 1024 bits; MD5 and shorter keys are refused whatever
   * is said. apt refuses SHA-1 too, unless it is told otherwise (apt-secure(8)).
   */
  readonly weakSignature?: string | undefined;
}

/** Clocks differ: so much later than ours may a signature have been made. Milliseconds. */
const clockTolerance = 86_400_000;

const broken = [enums.hash.md5, enums.hash.ripemd];
const strict = { ...defaults, rejectMessageHashAlgorithms: new Set([...broken, enums.hash.sha1]) };
const lax = {
  ...defaults,
  rejectMessageHashAlgorithms: new Set(broken),
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
      "it is not one clearsigned text from beginning to end (truncated, or something was added)",
    );
  }
  // The library says what is wrong with the frame, and reads the signatures as those of any other text.
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

/** The declared key with a good signature of these bytes; a weak one counts only where it is to be accepted. */
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
    `${reasons}: it is the declared key's, and too weak to prove much`,
    undefined,
    ["upstream.accept"],
    "Nothing was taken over. Ask those who run the archive for a stronger one. To take it all the same, say why in upstream.accept.weakSignature.",
  );
}

/** Full fingerprint of the declared key with a good signature, or what is wrong with all of them. */
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
      // Else it makes a text of the bytes too, for nothing.
      format: "binary",
      config,
    }),
  );
  // The library's hashing goes only as fast as its caller reads.
  const reader = (data as ReadableStream<Uint8Array>).getReader();
  while (!(await reader.read()).done);
  return firstGood(signatures, trusted, now, name, config);
}

type Checked = Awaited<ReturnType<typeof verify>>["signatures"][number];

async function firstGood(
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
      await stillGood(key, signature, now, config);
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
    // Only where somebody unknown signed may the declared key be the wrong one.
    reasons.some((reason) => reason.endsWith("which is not declared")) ? ["upstream.key"] : [],
  );
}

/** A signature made while its key was good does not outlive the key: apt sees it so too. */
async function stillGood(key: PublicKey, signature: Checked, now: Date, config: Config): Promise<void> {
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
    ? "Nothing was taken over. Ask those who run the archive; if its key was changed, declare the new full fingerprint."
    : "Nothing was taken over. Try again; if it stays so, ask those who run the archive, and see whether a proxy changes what it sends.",
): ExplainedError {
  return new ExplainedError({
    values,
    step: `verifying the signature of ${name}`,
    found,
    remedy,
    cause,
  });
}

/** Bytes that the library hashes as they come. What it is given whole, it copies twice over. */
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
