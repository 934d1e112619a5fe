/* A reader of parts of tar archives (pax(1), ustar interchange format). */

const block = 512;

/** Whether data begins with the header of a tar archive, by its checksum, in any dialect. */
export function isTar(bytes: Buffer): boolean {
  if (bytes.length < block) return false;
  const header = Buffer.from(bytes.subarray(0, block));
  const sum = Number.parseInt(header.toString("latin1", 148, 156).replace(/[\0 ]/g, ""), 8);
  header.fill(" ", 148, 156);
  return sum === header.reduce((total, byte) => total + byte, 0);
}

/** The first entry of an archive. */
export interface FirstEntry {
  readonly name: string;
  /** Whether it is a plain file, not a directory, a link or a device. */
  readonly isFile: boolean;
}

/**
 * @param bytes The beginning of a tar archive, at least a header's block. Headers of pax and GNU tar before the entry
 * are skipped.
 */
export function firstInTar(bytes: Buffer): FirstEntry | undefined {
  for (let at = 0; at + block <= bytes.length; ) {
    const name = bytes.toString("utf8", at, at + 100).replace(/\0.*$/s, "");
    const type = bytes.toString("latin1", at + 156, at + 157);
    const size = Number.parseInt(bytes.toString("latin1", at + 124, at + 136), 8);
    if (name === "") return undefined;
    if (!["x", "g", "L", "K"].includes(type)) return { name, isFile: type === "0" || type === "\0" };
    if (!Number.isSafeInteger(size) || size < 0) return undefined;
    at += block + Math.ceil(size / block) * block;
  }
  return undefined;
}

/**
 * The content of a file of a small archive; undefined if it is missing, not a plain file, truncated, or listed twice:
 * readers differ in which of two they use.
 */
export function fileInTar(tar: Buffer, wanted: string): Buffer | undefined {
  let found: Buffer | undefined;
  for (let at = 0; at + block <= tar.length; ) {
    const header = tar.subarray(at, at + block);
    const name = textOf(header, 0, 100);
    if (name === "") return found;
    const digits = textOf(header, 124, 136).trim();
    if (!/^[0-7]{1,11}$/.test(digits) || !isTar(header)) return undefined;
    const size = Number.parseInt(digits, 8);
    const content = tar.subarray(at + block, at + block + size);
    const kind = String.fromCharCode(header[156] as number);
    // These headers change the next one.
    if ("KLgx".includes(kind) && renames(content, kind)) return undefined;
    const prefix = header.toString("latin1", 257, 263) === "ustar\0" ? textOf(header, 345, 500) : "";
    if (`${prefix && `${prefix}/`}${name}`.replace(/^(\.?\/)+/, "") === wanted) {
      if (found || !"0\0".includes(kind) || content.length < size) return undefined;
      found = content;
    }
    at += block + Math.ceil(size / block) * block;
  }
  return found;
}

function textOf(header: Buffer, from: number, to: number): string {
  const text = header.toString("latin1", from, to);
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/** Whether an extended header sets a name or a size, not only times and owners. */
function renames(content: Buffer, kind: string): boolean {
  return (
    "KL".includes(kind) || /^\d+ (path|size|linkpath|GNU\.sparse[^=]*)=/m.test(content.toString("latin1"))
  );
}
