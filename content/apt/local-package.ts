import { createHash } from "node:crypto";
import { ExplainedError } from "../../errors/explained-error.ts";
import { type Compression, compressionOf, decompress } from "../decompress.ts";
import { fileInTar } from "../tar.ts";
import type { LocalPackage } from "./local-merge.ts";

const largestControl = 64 * 1024 * 1024;

/**
 * Reads what a .deb says of itself (deb(5): an ar archive with debian-binary and control.tar).
 *
 * @param name What the file is called in errors.
 */
export async function readLocalPackage(bytes: Buffer, name: string): Promise<LocalPackage> {
  const refuse = (found: string) =>
    new ExplainedError({
      step: `reading ${name}`,
      found,
      remedy: "Name a .deb file that `dpkg-deb --info` can read.",
    });
  if (bytes.toString("latin1", 0, 8) !== "!<arch>\n") throw refuse("it is not a Debian package");
  let control: Buffer | undefined;
  // To the last member: one that is cut off shows only there.
  for (let at = 8; at < bytes.length; ) {
    const member = bytes
      .toString("latin1", at, at + 16)
      .trim()
      .replace(/\/$/, "");
    const size = Number(bytes.toString("latin1", at + 48, at + 58).trim());
    if (!Number.isSafeInteger(size) || size < 0 || at + 60 + size > bytes.length)
      throw refuse("it is truncated or damaged");
    if (/^control\.tar(\.(gz|xz|zst))?$/.test(member)) {
      const compression: Compression = compressionOf(member);
      control = await decompress(
        bytes.subarray(at + 60, at + 60 + size),
        compression,
        largestControl,
        `${name} (${member})`,
      );
    }
    at += 60 + size + (size % 2);
  }
  const text = control && fileInTar(control, "control")?.toString("utf8");
  if (!text) throw refuse("it has no control file that can be read");
  const fields = new Map<string, string>();
  for (const line of text.replace(/\n[ \t]+/g, " ").split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const [found, version, architecture] = ["package", "version", "architecture"].map((field) =>
    fields.get(field),
  );
  if (!found || !/^[a-z0-9][a-z0-9+.-]+$/.test(found)) throw refuse("its control file names no package");
  if (!version || !/^[A-Za-z0-9.+~:-]+$/.test(version)) throw refuse("its control file has no version");
  if (!architecture || !/^[a-z0-9-]+$/.test(architecture))
    throw refuse("its control file has no architecture");
  return {
    name: found,
    version,
    architecture,
    size: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    control: `${text.trim()}\n`,
    field: (field) => fields.get(field.toLowerCase()),
  };
}
