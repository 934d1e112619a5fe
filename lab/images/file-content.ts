import { createCipheriv, createHash } from "node:crypto";

/** Content that represents a file of an image. The bytes have no meaning, but are always the same. */
export interface FileContent {
  /** The same seed and size give the same bytes. */
  readonly seed: string;
  /** In bytes. */
  readonly size: number;
}

/** Content whose size depends on the seed and is between two bounds, in bytes. */
export function contentBetween(seed: string, least: number, most: number): FileContent {
  const dice = createHash("sha256").update(`size ${seed}`).digest().readUInt32BE();
  return { seed, size: least + (dice % (most - least)) };
}

/** The bytes. They look random and cannot be compressed. 100 kB take a tenth of a millisecond. */
export function contentBytes({ seed, size }: FileContent): Buffer {
  const key = createHash("sha256").update(seed).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(size));
}
