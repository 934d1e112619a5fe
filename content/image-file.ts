import { constants, gunzipSync } from "node:zlib";
import { type FirstEntry, firstInTar, isTar } from "./tar.ts";

/** What kind of file an image is, as far as its beginning tells. */
export interface ImageKind {
  readonly packing: "gzip" | "bzip2" | "xz" | "none";
  /** Whether it is a tar archive, or has packed one; undefined where that cannot be looked into. */
  readonly tar: boolean | undefined;
  /** What the archive begins with. */
  readonly first?: FirstEntry | undefined;
  /** The form of a virtual disk that is not a raw one, e.g. `qcow2`. */
  readonly format?: string | undefined;
}

/** Bytes of a file that are looked at: gzip's header, with the name of the file in it, and the first of what it packs. */
export const beginningBytes = 16_384;
/** Gzip makes a byte of at most 1032. */
const mostUnpacked = beginningBytes * 1032;

const formats: readonly (readonly [magic: string, format: string])[] = [
  ["QFI\xfb", "qcow2"],
  ["KDMV", "vmdk"],
  ["vhdxfile", "vhdx"],
  ["conectix", "vhd"],
];

/** @param begins the first `beginningBytes` of the file, or all of a smaller one */
export function imageKind(begins: Buffer): ImageKind {
  const starts = (magic: string) => begins.toString("latin1", 0, magic.length) === magic;
  if (starts("\x1f\x8b")) return { packing: "gzip", ...contentsOf(unpacked(begins)) };
  if (starts("\xfd7zXZ\0")) return { packing: "xz", tar: undefined };
  if (starts("BZh")) return { packing: "bzip2", tar: undefined };
  return { packing: "none", ...contentsOf(begins) };
}

function contentsOf(begins: Buffer): Omit<ImageKind, "packing"> {
  if (isTar(begins)) return { tar: true, first: firstInTar(begins) };
  const format = formats.find(([magic]) => begins.toString("latin1", 0, magic.length) === magic)?.[1];
  return { tar: false, ...(format ? { format } : {}) };
}

function unpacked(begins: Buffer): Buffer {
  try {
    return gunzipSync(begins.subarray(0, beginningBytes), {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: mostUnpacked,
    });
  } catch {
    return Buffer.alloc(0);
  }
}
