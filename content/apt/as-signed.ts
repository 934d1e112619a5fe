import { createHash } from "node:crypto";
import { ExplainedError } from "../../errors/explained-error.ts";
import { digestOf } from "../../values/digest.ts";
import type { IndexBudget } from "./index-budget.ts";

/* Whether bytes are what is signed of them. */

/** Counts the pieces, and checks them against what is signed of the unpacked file, where that is. */
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
    throw tampered(`${name}, unpacked,`, `its SHA-256 is ${digest}, the signed one is ${plain.sha256}`);
}

/** @throws ExplainedError where a file, which is called so in errors, has another size or SHA-256 than is signed */
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
    throw tampered(name, `its SHA-256 is ${digest}, the signed one is ${expected.sha256}`);
  }
}

/** The refusal of a file that is not what is signed. */
export function tampered(name: string, found: string): ExplainedError {
  return new ExplainedError({
    step: `verifying ${name}`,
    found,
    remedy:
      "Nothing was taken over. Upstream may be in the middle of an update, or a proxy keeps an old file: try again; if it stays so, use another mirror of it.",
  });
}
