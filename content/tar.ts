/* Tar archives, as far as they are looked into here (pax(1), ustar interchange format). */

const block = 512;

/** Whether something begins with the header of a tar archive: its checksum says so, whatever the dialect. */
export function isTar(bytes: Buffer): boolean {
  if (bytes.length < block) return false;
  const header = Buffer.from(bytes.subarray(0, block));
  const sum = Number.parseInt(header.toString("latin1", 148, 156).replace(/[\0 ]/g, ""), 8);
  header.fill(" ", 148, 156);
  return sum === header.reduce((total, byte) => total + byte, 0);
}

/** The content of a file of a small archive; undefined when it is not there. */
export function fileInTar(tar: Buffer, wanted: string): Buffer | undefined {
  for (let at = 0; at + block <= tar.length; ) {
    const name = tar.toString("latin1", at, at + 100).replace(/\0.*$/s, "");
    if (name === "") return undefined;
    const size = Number.parseInt(tar.toString("latin1", at + 124, at + 136), 8);
    if (!Number.isSafeInteger(size) || size < 0) return undefined;
    if (name.replace(/^\.\//, "") === wanted) return tar.subarray(at + block, at + block + size);
    at += block + Math.ceil(size / block) * block;
  }
  return undefined;
}
