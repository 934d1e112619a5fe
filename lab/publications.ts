import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** Replaces a file atomically. Never writes into it, because publications share files as hard links. */
export function replaceFile(file: string, content: string | Uint8Array): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}

/** Changes the target of a symbolic link atomically. The next request is served from the new target. */
export function switchLink(link: string, target: string): void {
  rmSync(`${link}.new`, { force: true });
  symlinkSync(target, `${link}.new`);
  renameSync(`${link}.new`, link);
}

/**
 * A modification time, in seconds, that is later than all earlier ones in this file. A web server distinguishes
 * versions of a file by full seconds, and several may be published in one second. A client that resumes a download
 * or sends If-Modified-Since would then keep the old version.
 */
export function nextStamp(memory: string): number {
  const last = existsSync(memory) ? Number(readFileSync(memory, "utf8")) : 0;
  const stamp = Math.max(Math.floor(Date.now() / 1000), last + 1);
  replaceFile(memory, String(stamp));
  return stamp;
}

/**
 * Deletes all publications except the first and the newest three good ones. Good ones have numbers as names.
 */
export function prunePublications(publications: string, newest: number): void {
  const keep = new Set(["0", ...[0, 1, 2].map((back) => String(newest - back))]);
  for (const name of readdirSync(publications)) {
    if (!keep.has(name)) rmSync(join(publications, name), { recursive: true, force: true });
  }
}
