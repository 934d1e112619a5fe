import { createHash } from "node:crypto";
import { ExplainedError } from "../../errors/explained-error.ts";
import { digestOf } from "../../values/digest.ts";
import type { IndexBudget } from "./index-budget.ts";

/* Checks of bytes against the signed size and digest. */

/**
 * Passes the pieces on, and checks them against the signed size and digest of the uncompressed file, if there are any.
 */
export async function* signedPieces(
  pieces: AsyncIterable<Uint8Array>,
  plain: { readonly size: number; readonly sha256: string } | undefined,
  name: string,
  budget: IndexBudget,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (plain && size > plain.size)
      throw tampered(`${name}, unpacked,`, `it is larger than its signed size of ${plain.size} bytes`);
    budget.spend(piece.length, name);
    if (plain) hash.update(piece);
    yield piece;
  }
  if (!plain) return;
  if (size < plain.size)
    throw tampered(`${name}, unpacked,`, `it is truncated: ${size} of ${plain.size} bytes`);
  const digest = hash.digest("hex");
  if (digest !== plain.sha256)
    throw tampered(`${name}, unpacked,`, `its SHA-256 is ${digest}, but ${plain.sha256} is signed`);
}

/** @throws ExplainedError if a file has another size or SHA-256 than signed. `name` names it in the error. */
export function check(
  name: string,
  bytes: Buffer,
  expected: { readonly size: number; readonly sha256: string },
): void {
  if (bytes.length > expected.size) {
    throw tampered(name, `it is larger than its signed size of ${expected.size} bytes`);
  }
  if (bytes.length < expected.size) {
    throw tampered(name, `it is truncated: ${bytes.length} of ${expected.size} bytes`);
  }
  const digest = digestOf(bytes);
  if (digest !== expected.sha256) {
    throw tampered(name, `its SHA-256 is ${digest}, but ${expected.sha256} is signed`);
  }
}

/** The error for a file that differs from its signed size or digest. */
export function tampered(name: string, found: string): ExplainedError {
  return new ExplainedError({
    step: `verifying ${name}`,
    found,
    remedy:
      "Nothing was changed. Upstream may be in the middle of an update, or a proxy may have cached an old file: try again. If the error stays, use another mirror of the archive.",
  });
}
