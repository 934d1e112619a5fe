import { createCipheriv, createHash } from "node:crypto";

/** Stands for a file of an image: what is in it does not matter, only that it is always the same. */
export interface FileContent {
  /** Same seed and size, same bytes. */
  readonly seed: string;
  /** In bytes. */
  readonly size: number;
}

/** Content of a size that the seed chooses between two bounds, in bytes. */
export function contentBetween(seed: string, least: number, most: number): FileContent {
  const dice = createHash("sha256").update(`size ${seed}`).digest().readUInt32BE();
  return { seed, size: least + (dice % (most - least)) };
}

/** The bytes: they look random and do not compress. 100 kB take a tenth of a millisecond. */
export function contentBytes({ seed, size }: FileContent): Buffer {
  const key = createHash("sha256").update(seed).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(size));
}
