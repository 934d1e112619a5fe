import { constants, gunzipSync } from "node:zlib";
import { type FirstEntry, firstInTar, isTar } from "./tar.ts";

/** The type of an image file, from its first bytes. */
export interface ImageKind {
  readonly packing: "gzip" | "bzip2" | "xz" | "none";
  /** Whether it is a tar archive, possibly compressed; undefined if that cannot be checked. */
  readonly tar: boolean | undefined;
  /** The first entry of the archive. */
  readonly first?: FirstEntry | undefined;
  /** The format of a virtual disk that is not raw, e.g. `qcow2`. */
  readonly format?: string | undefined;
}

/** Bytes of a file that are checked: gzip's header, with the file name in it, and the first compressed data. */
export const beginningBytes = 16_384;
/** A byte of gzip data expands to at most 1032 bytes. */
const maximumUncompressedBytes = beginningBytes * 1032;

const formats: readonly (readonly [magic: string, format: string])[] = [
  ["QFI\xfb", "qcow2"],
  ["KDMV", "vmdk"],
  ["vhdxfile", "vhdx"],
  ["conectix", "vhd"],
];

/** @param begins The first `beginningBytes` of the file, or the whole of a smaller one. */
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
      maxOutputLength: maximumUncompressedBytes,
    });
  } catch {
    return Buffer.alloc(0);
  }
}
