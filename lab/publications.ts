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

/** Replaces a file in one step; never writes into it, since publications share files as hard links. */
export function replaceFile(file: string, content: string | Uint8Array): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}

/** Makes a symbolic link lead elsewhere in one step: what is served changes with the next request. */
export function switchLink(link: string, target: string): void {
  rmSync(`${link}.new`, { force: true });
  symlinkSync(target, `${link}.new`);
  renameSync(`${link}.new`, link);
}

/**
 * A time of modification, in seconds, later than all that this file remembers. A second is what a web server
 * tells versions of a file apart by, and more than one may be published in a second: a client that resumes or
 * asks If-Modified-Since would take an old one for the new.
 */
export function nextStamp(memory: string): number {
  const last = existsSync(memory) ? Number(readFileSync(memory, "utf8")) : 0;
  const stamp = Math.max(Math.floor(Date.now() / 1000), last + 1);
  replaceFile(memory, String(stamp));
  return stamp;
}

/** Deletes all publications but the first and the newest three of the good ones, which have numbers for names. */
export function prunePublications(publications: string, newest: number): void {
  const keep = new Set(["0", ...[0, 1, 2].map((back) => String(newest - back))]);
  for (const name of readdirSync(publications)) {
    if (!keep.has(name)) rmSync(join(publications, name), { recursive: true, force: true });
  }
}
