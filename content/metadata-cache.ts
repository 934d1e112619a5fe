import { createHash, randomBytes } from "node:crypto";
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { ExplainedError } from "../errors/explained-error.ts";
import { digestOf } from "../values/digest.ts";

/**
 * Verified metadata on the workstation, so that unchanged files are not fetched again. Files are named after their
 * SHA-256 and checked against it on every read: a damaged one counts as missing. If the cache is lost, everything is
 * fetched again.
 */
export interface MetadataCache {
  /** The bytes with this SHA-256 (lower-case hexadecimal), or undefined. */
  get(sha256: string): Promise<Buffer | undefined>;
  /** Stores bytes and returns their SHA-256. A text may come in pieces, so that it is never in memory as a whole. */
  put(bytes: Uint8Array | string | Iterable<string>): Promise<string>;
  /** A short text that was stored for a key; undefined if there is none. */
  recall(cacheKey: string): Promise<string | undefined>;
  remember(cacheKey: string, text: string): Promise<void>;
  /**
   * Removes files that were not used for 90 days, at most once a day, and returns their number. Never fails: files
   * that cannot be read or removed stay.
   *
   * @param now The day is that of UTC. @default the time of the call
   */
  prune(now?: Date): Promise<number>;
}

const dayMs = 86_400_000;
/** A stack whose previews are rarer reads and plans its mirrors again. */
const unusedMs = 90 * dayMs;
/** The files of the cache, and incomplete ones. */
const ownFiles = /^([0-9a-f]{64}|(note|draft)-.*)$/;
/** An empty file, named after the day of the last pruning. */
const stamps = /^pruned-\d{4}-\d\d-\d\d$/;

/** A cache key that expires: it changes after at most six hours. */
export function expiringKey(cacheKey: string, now: Date): string {
  return `${cacheKey} around ${Math.floor(now.getTime() / (6 * 3_600_000))}`;
}

const isOfFileSystem = (error: unknown): error is NodeJS.ErrnoException =>
  typeof error === "object" && error !== null && "syscall" in error;

function unwritable(directory: string, cause: NodeJS.ErrnoException): ExplainedError {
  return new ExplainedError({
    step: "storing verified metadata on this workstation",
    found: `${directory} cannot be written (${cause.code})`,
    remedy: "Set XDG_CACHE_HOME to a directory that you can write to, on a disk with free space.",
    cause,
  });
}

/** `$XDG_CACHE_HOME/airgapped-maas/metadata`, by default below ~/.cache (XDG Base Directory Specification). */
function defaultCacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "airgapped-maas", "metadata");
}

export function defaultCache(): MetadataCache {
  return metadataCache(defaultCacheDirectory());
}

export function metadataCache(directory: string): MetadataCache {
  const ready = once(() => mkdir(directory, { recursive: true, mode: 0o700 }));
  const note = (cacheKey: string) => `note-${digestOf(cacheKey)}`;

  /** Writes a temporary file, and renames it to the returned name when it is complete. */
  async function write<Name extends string>(fill: (draft: FileHandle) => Promise<Name>): Promise<Name> {
    const draft = join(directory, `draft-${process.pid}-${randomBytes(6).toString("hex")}`);
    try {
      await ready();
      const file = await open(draft, "wx", 0o600);
      const name = await fill(file).finally(() => file.close());
      await rename(draft, join(directory, name));
      return name;
    } catch (error) {
      await rm(draft, { force: true }).catch(() => {});
      throw isOfFileSystem(error) ? unwritable(directory, error) : error;
    }
  }

  async function read(path: string): Promise<Buffer | undefined> {
    try {
      const bytes = await readFile(path);
      const now = new Date();
      await utimes(path, now, now);
      return bytes;
    } catch {
      return undefined;
    }
  }

  async function removeUnused(since: number, stamp: string): Promise<number> {
    let count = 0;
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      if (stamps.test(name) && name < stamp) await rm(path, { force: true }).catch(() => {});
      if (!ownFiles.test(name)) continue;
      const found = await stat(path).catch(() => undefined);
      if (!found?.isFile() || found.mtimeMs >= since) continue;
      await rm(path, { force: true }).then(
        () => count++,
        () => {},
      );
    }
    return count;
  }

  return {
    async get(sha256) {
      if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined;
      const bytes = await read(join(directory, sha256));
      return bytes && digestOf(bytes) === sha256 ? bytes : undefined;
    },
    async put(bytes) {
      return write(async (draft) => {
        const hash = createHash("sha256");
        for (const piece of typeof bytes === "string" || bytes instanceof Uint8Array
          ? [bytes]
          : inPortions(bytes)) {
          hash.update(piece);
          await draft.appendFile(piece);
        }
        return hash.digest("hex");
      });
    },
    async recall(cacheKey) {
      const text = (await read(join(directory, note(cacheKey))))?.toString();
      if (text === undefined) return undefined;
      const body = text.slice(65);
      return text.slice(0, 65) === `${digestOf(body)}\n` ? body : undefined;
    },
    async remember(cacheKey, text) {
      await write(async (draft) => {
        await draft.writeFile(`${digestOf(text)}\n${text}`);
        return note(cacheKey);
      });
    },
    async prune(now = new Date()) {
      const stamp = `pruned-${now.toISOString().slice(0, 10)}`;
      try {
        // Of all processes that prune on one day, only one can create this file.
        await writeFile(join(directory, stamp), "", { flag: "wx", mode: 0o600 });
        return await removeUnused(now.getTime() - unusedMs, stamp);
      } catch {
        return 0;
      }
    },
  };
}

/** Joins pieces to larger ones, as each is written separately. */
function* inPortions(pieces: Iterable<string>): Generator<string> {
  let waiting: string[] = [];
  let length = 0;
  for (const piece of pieces) {
    waiting.push(piece);
    length += piece.length;
    if (length < 256 * 1024) continue;
    yield waiting.join("");
    waiting = [];
    length = 0;
  }
  yield waiting.join("");
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= work();
    return running;
  };
}
