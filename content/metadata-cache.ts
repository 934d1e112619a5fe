import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Verified metadata kept on the workstation, so that what has not changed is not fetched again.
 * Files are named after their SHA-256 and checked against it on every read: a damaged one counts
 * as absent. Losing the cache costs time only.
 */
export interface MetadataCache {
  /** The bytes with this SHA-256 (lower-case hexadecimal), or undefined. */
  get(sha256: string): Promise<Buffer | undefined>;
  /** Keeps bytes and says their SHA-256. */
  put(bytes: Uint8Array | string): Promise<string>;
  /** Something small that was found out about content known by its digest; undefined when it was not. */
  recall(subject: string): Promise<string | undefined>;
  remember(subject: string, text: string): Promise<void>;
  /** Removes what was not used for so many days; says how many files went. */
  prune(days: number): Promise<number>;
}

/** The subject of what is remembered for a while only: it is another one six hours later, or earlier. */
export function forNow(subject: string, now: Date): string {
  return `${subject} around ${Math.floor(now.getTime() / (6 * 3_600_000))}`;
}

/** `$XDG_CACHE_HOME/airgapped-maas/metadata`, by default below ~/.cache (XDG Base Directory Specification). */
export function defaultCacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "airgapped-maas", "metadata");
}

export function defaultCache(): MetadataCache {
  return metadataCache(defaultCacheDirectory());
}

export function metadataCache(directory: string): MetadataCache {
  const ready = once(() => mkdir(directory, { recursive: true, mode: 0o700 }));
  const note = (subject: string) => join(directory, `note-${digestOf(subject)}`);

  async function write(path: string, bytes: Uint8Array | string): Promise<void> {
    await ready();
    const draft = join(directory, `draft-${process.pid}-${randomBytes(6).toString("hex")}`);
    try {
      await writeFile(draft, bytes, { mode: 0o600 });
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
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

  return {
    async get(sha256) {
      if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined;
      const bytes = await read(join(directory, sha256));
      return bytes && digestOf(bytes) === sha256 ? bytes : undefined;
    },
    async put(bytes) {
      const sha256 = digestOf(bytes);
      await write(join(directory, sha256), bytes);
      return sha256;
    },
    async recall(subject) {
      const text = (await read(note(subject)))?.toString();
      if (text === undefined) return undefined;
      const body = text.slice(65);
      return text.slice(0, 65) === `${digestOf(body)}\n` ? body : undefined;
    },
    async remember(subject, text) {
      await write(note(subject), `${digestOf(text)}\n${text}`);
    },
    async prune(days) {
      const oldest = Date.now() - days * 86_400_000;
      let count = 0;
      for (const name of await readdir(directory).catch(() => [])) {
        if (!/^([0-9a-f]{64}|(note|draft)-.*)$/.test(name)) continue;
        const found = await stat(join(directory, name)).catch(() => undefined);
        if (!found || found.mtimeMs >= oldest) continue;
        await rm(join(directory, name), { force: true });
        count += 1;
      }
      return count;
    },
  };
}

function digestOf(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= work();
    return running;
  };
}
