import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import { defaultCache } from "../../content/metadata-cache.ts";
import { type FirstEntry, firstInTar, isTar } from "../../content/tar.ts";
import { ExplainedError } from "../../errors/explained-error.ts";
import { hostNamed } from "../../hosts/connections.ts";
import type { Host } from "../../hosts/host.ts";
import { sh } from "../../hosts/shell.ts";
import { digestOf } from "../mirror/published-tree/work-list.ts";
import { ledgerPlace } from "./ledger/place.ts";

/** Where an image's file is: on this workstation, or with `host` on that one. */
export interface ImageFile {
  /** On the workstation it may be relative to the project. */
  readonly path: string;
  /** As one would type it after `ssh`. */
  readonly host?: string | undefined;
}

export interface ImageFileFacts {
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly packing: "gzip" | "bzip2" | "xz" | "none";
  /** Whether it is a tar archive, or has packed one; undefined where that cannot be looked into. */
  readonly tar: boolean | undefined;
  /** What the archive begins with. */
  readonly first?: FirstEntry | undefined;
  /** The form of a virtual disk that is not a raw one, e.g. `qcow2`. */
  readonly format?: string | undefined;
}

/**
 * Size and SHA-256 of an image's file. A large file is read through once for each change of it: as long as size and
 * time of change stay, so does what was found.
 *
 * @param host The file's host, where it is on one. @default what OpenSSH knows by its name
 * @throws ExplainedError where there is no such file, or it is empty
 */
export async function imageFileFacts(file: ImageFile, host?: Host): Promise<ImageFileFacts> {
  const facts =
    file.host === undefined ? await here(file.path) : await there(host ?? hostNamed(file.host), file.path);
  if (facts && facts.size > 0) return facts;
  throw new ExplainedError({
    host: file.host,
    step: `reading the image ${file.path}`,
    found: facts ? "it is empty" : `there is no such file on ${file.host ?? "this workstation"}`,
    remedy: "Declare the path of the image's file: of one on this workstation, or with host: of one there.",
    values: ["file"],
  });
}

/** Bytes of a file that are looked at: gzip's header, with the name of the file in it, and the first of what it packs. */
const beginning = 16_384;
/** Gzip makes a byte of at most 1032. */
const mostUnpacked = beginning * 1032;

const formats: readonly (readonly [magic: string, format: string])[] = [
  ["QFI\xfb", "qcow2"],
  ["KDMV", "vmdk"],
  ["vhdxfile", "vhdx"],
  ["conectix", "vhd"],
];

type Kind = Pick<ImageFileFacts, "packing" | "tar" | "first" | "format">;

function kindOf(begins: Buffer): Kind {
  const starts = (magic: string) => begins.toString("latin1", 0, magic.length) === magic;
  if (starts("\x1f\x8b")) return { packing: "gzip", ...contentsOf(unpacked(begins)) };
  if (starts("\xfd7zXZ\0")) return { packing: "xz", tar: undefined };
  if (starts("BZh")) return { packing: "bzip2", tar: undefined };
  return { packing: "none", ...contentsOf(begins) };
}

function contentsOf(begins: Buffer): Omit<Kind, "packing"> {
  if (isTar(begins)) return { tar: true, first: firstInTar(begins) };
  const format = formats.find(([magic]) => begins.toString("latin1", 0, magic.length) === magic)?.[1];
  return { tar: false, ...(format ? { format } : {}) };
}

function unpacked(begins: Buffer): Buffer {
  try {
    return gunzipSync(begins.subarray(0, beginning), {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: mostUnpacked,
    });
  } catch {
    return Buffer.alloc(0);
  }
}

async function here(relative: string): Promise<ImageFileFacts | undefined> {
  const path = resolve(relative);
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  const cache = defaultCache();
  const subject = JSON.stringify([
    "file",
    path,
    String(found.size),
    String(found.mtimeNs),
    String(found.ino),
  ]);
  let sha256 = await cache.recall(subject);
  if (!sha256) {
    sha256 = await digestHere(path);
    await cache.remember(subject, sha256);
  }
  return { size: Number(found.size), sha256, ...kindOf(await beginningHere(path)) };
}

async function digestHere(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  } catch (error) {
    throw unreadable(path, error);
  }
  return hash.digest("hex");
}

async function beginningHere(path: string): Promise<Buffer> {
  const opened = await open(path).catch((error) => {
    throw unreadable(path, error);
  });
  try {
    const { buffer, bytesRead } = await opened.read(Buffer.alloc(beginning), 0, beginning, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await opened.close();
  }
}

function unreadable(path: string, error: unknown): ExplainedError {
  return new ExplainedError({
    step: `reading the image ${path}`,
    found: `it cannot be read on this workstation (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
    remedy: "Make it readable for who runs Pulumi.",
    values: ["file"],
    cause: error,
  });
}

async function there(host: Host, path: string): Promise<ImageFileFacts | undefined> {
  const directory = `${ledgerPlace.directory}/digests`;
  const { stdout } = await host.run(
    sh`set -e
file=${path} note=${`${directory}/${digestOf(path)}`}
[ -f "$file" ] || exit 0
is=$(stat -L -c '%s %.9Y' -- "$file")
known=$(cat "$note" 2>/dev/null || true)
sum=\${known##* }
if [ "$known" != "$is $sum" ]; then
  sum=$(sha256sum <"$file" | cut -d' ' -f1)
  mkdir -p ${directory}
  echo "$is $sum" >"$note.$$" && mv -f "$note.$$" "$note"
fi
echo "\${is%% *} $sum $(head -c ${beginning} -- "$file" | base64 -w 0)"`,
    { step: `reading the image ${path}` },
  );
  const [size, sha256 = "", begins = ""] = stdout.trim().split(" ");
  if (!sha256) return undefined;
  if (/^\d{1,15}$/.test(size ?? "") && /^[0-9a-f]{64}$/.test(sha256)) {
    return { size: Number(size), sha256, ...kindOf(Buffer.from(begins, "base64")) };
  }
  throw new ExplainedError({
    host: host.name,
    step: `reading the image ${path}`,
    found: "the host tells no size and SHA-256 of it",
    remedy: `See what its shell prints at a login, and remove ${directory} there.`,
    values: ["file"],
  });
}
