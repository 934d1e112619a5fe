import {
  createMessage,
  enums,
  type PublicKey,
  readCleartextMessage,
  readSignature,
  type Signature,
  verify,
} from "openpgp";
import { ExplainedError } from "../../errors/explained-error.ts";
import { intoPlainText, takeApart } from "./clearsigned-text.ts";
import type { TrustedKeys } from "./keyring.ts";

export interface Verified {
  /** What was signed. Nothing else of a file may be believed. */
  readonly text: string;
  /** Full fingerprint of the declared primary key whose signature, or whose subkey's, is good. */
  readonly signedBy: string;
}

/** Clocks differ: so much later than ours may a signature have been made. Milliseconds. */
const clockTolerance = 86_400_000;

const weakHashes = new Set([enums.hash.md5, enums.hash.sha1, enums.hash.ripemd]);
const config = { rejectMessageHashAlgorithms: weakHashes };

/** Verifies a clearsigned file such as InRelease: one good signature by a declared key is enough. */
export async function verifyClearsigned(
  bytes: Uint8Array,
  trusted: TrustedKeys,
  now: Date,
  name: string,
): Promise<Verified> {
  const parts = takeApart(bytes);
  if (!parts) {
    throw refuse(
      name,
      "it is not one clearsigned text from beginning to end (truncated, or something was added)",
    );
  }
  // The library says what is wrong with the frame, and reads the signatures as those of any other text.
  await attempt(name, () => readCleartextMessage({ cleartextMessage: parts.frame }));
  const signature = await attempt(name, () => readSignature({ armoredSignature: parts.signature }));
  const signedBy = await signerOf(parts.canonical, signature, trusted, now, name);
  return { text: intoPlainText(parts.canonical), signedBy };
}

/** Verifies a text and its detached signature, such as Release and Release.gpg. */
export async function verifyDetached(
  bytes: Uint8Array,
  signature: Uint8Array,
  trusted: TrustedKeys,
  now: Date,
  name: string,
): Promise<Verified> {
  const armored = Buffer.from(signature).toString("latin1");
  const parsed: Signature = await attempt(`${name}.gpg`, () =>
    armored.includes("-----BEGIN PGP")
      ? readSignature({ armoredSignature: armored })
      : readSignature({ binarySignature: signature }),
  );
  const signedBy = await signerOf(bytes, parsed, trusted, now, name);
  return { text: Buffer.from(bytes).toString("utf8"), signedBy };
}

/** Full fingerprint of the declared key with a good signature of these bytes. */
async function signerOf(
  bytes: Uint8Array,
  signature: Signature,
  trusted: TrustedKeys,
  now: Date,
  name: string,
): Promise<string> {
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
  return firstGood(signatures, trusted, now, name);
}

type Checked = Awaited<ReturnType<typeof verify>>["signatures"][number];

async function firstGood(
  signatures: readonly Checked[],
  trusted: TrustedKeys,
  now: Date,
  name: string,
): Promise<string> {
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
      await stillGood(key, signature, now);
      return key.getFingerprint().toUpperCase();
    } catch (error) {
      reasons.push(`one by ${id}: ${(error as Error).message}`);
    }
  }
  throw refuse(
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
async function stillGood(key: PublicKey, signature: Checked, now: Date): Promise<void> {
  await key.verifyPrimaryKey(now);
  await key.getSigningKey(signature.keyID, now);
}

async function attempt<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw refuse(name, `the signature cannot be read (${(error as Error).message})`, error);
  }
}

function refuse(name: string, found: string, cause?: unknown, values?: readonly string[]): ExplainedError {
  return new ExplainedError({
    values,
    step: `verifying the signature of ${name}`,
    found,
    remedy: values?.includes("upstream.key")
      ? "Nothing was taken over. Ask those who run the archive; if its key was changed, declare the new full fingerprint."
      : "Nothing was taken over. Try again; if it stays so, ask those who run the archive, and see whether a proxy changes what it sends.",
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
