import { createHash } from "node:crypto";

/*
 * In a folder that everything may import and that imports nothing: content/ names what it keeps by digests, hosts/ the
 * jobs that it starts, and neither of them may import the other.
 */

/** SHA-256 in lower-case hexadecimal; of a text as UTF-8. */
export function digestOf(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}
