import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { beginningBytes, type ImageKind, imageKind } from "../../content/image-file.ts";
import { defaultCache } from "../../content/metadata-cache.ts";
import { ExplainedError } from "../../errors/explained-error.ts";
import { hostNamed } from "../../hosts/connections.ts";
import type { Host } from "../../hosts/host.ts";
import { sh } from "../../hosts/shell.ts";
import { digestOf } from "../../values/digest.ts";
import { ledgerPlace } from "./ledger/place.ts";

/** The location of an image's file: on this workstation, or on `host`. */
export interface ImageFile {
  /** On the workstation it may be relative to the project. */
  readonly path: string;
  /** As you would type it after `ssh`. */
  readonly host?: string | undefined;
}

interface ImageFileFacts extends ImageKind {
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/**
 * Size and SHA-256 of an image's file. A large file is read completely only after a change: the result is kept as long
 * as its size and modification time are the same.
 *
 * @param host The file's host, if it is on one. @default the host with that name in OpenSSH's configuration
 * @throws ExplainedError if the file does not exist or is empty.
 */
export async function imageFileFacts(file: ImageFile, host?: Host): Promise<ImageFileFacts> {
  const facts =
    file.host === undefined
      ? await localFileFacts(file.path)
      : await remoteFileFacts(host ?? hostNamed(file.host), file.path);
  if (facts && facts.size > 0) return facts;
  throw new ExplainedError({
    host: file.host,
    step: `reading the image ${file.path}`,
    found: facts ? "it is empty" : `there is no such file on ${file.host ?? "this workstation"}`,
    remedy: "Declare the path of the image's file: on this workstation, or with host on that host.",
    values: ["file"],
  });
}

async function localFileFacts(relative: string): Promise<ImageFileFacts | undefined> {
  const path = resolve(relative);
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  const cache = defaultCache();
  const cacheKey = JSON.stringify([
    "file",
    path,
    String(found.size),
    String(found.mtimeNs),
    String(found.ino),
  ]);
  let sha256 = await cache.recall(cacheKey);
  if (!sha256) {
    sha256 = await localDigest(path);
    await cache.remember(cacheKey, sha256);
  }
  return { size: Number(found.size), sha256, ...imageKind(await localBeginning(path)) };
}

async function localDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  } catch (error) {
    throw unreadable(path, error);
  }
  return hash.digest("hex");
}

async function localBeginning(path: string): Promise<Buffer> {
  const opened = await open(path).catch((error) => {
    throw unreadable(path, error);
  });
  try {
    const { buffer, bytesRead } = await opened.read(Buffer.alloc(beginningBytes), 0, beginningBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await opened.close();
  }
}

function unreadable(path: string, error: unknown): ExplainedError {
  return new ExplainedError({
    step: `reading the image ${path}`,
    found: `it cannot be read on this workstation (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
    remedy: "Make it readable for the user who runs Pulumi.",
    values: ["file"],
    cause: error,
  });
}

async function remoteFileFacts(host: Host, path: string): Promise<ImageFileFacts | undefined> {
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
echo "\${is%% *} $sum $(head -c ${beginningBytes} -- "$file" | base64 -w 0)"`,
    { step: `reading the image ${path}` },
  );
  const [size, sha256 = "", begins = ""] = stdout.trim().split(" ");
  if (!sha256) return undefined;
  if (/^\d{1,15}$/.test(size ?? "") && /^[0-9a-f]{64}$/.test(sha256)) {
    return { size: Number(size), sha256, ...imageKind(Buffer.from(begins, "base64")) };
  }
  throw new ExplainedError({
    host: host.name,
    step: `reading the image ${path}`,
    found: "the host does not return its size and SHA-256",
    remedy: `Check what its shell prints at a login, and remove ${directory} there.`,
    values: ["file"],
  });
}
