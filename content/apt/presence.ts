import { digestOf } from "../../values/digest.ts";
import { type Expected, type Fetch, NotFound } from "../fetch.ts";
import { expiringKey, type MetadataCache } from "../metadata-cache.ts";
import type { SelectedIndex } from "./indices.ts";
import type { Release, ReleaseEntry } from "./release.ts";
import { inSuite } from "./suite-place.ts";

/*
 * Which of the files that a Release lists exist upstream, and by which names. Many Releases list files that are on no
 * server, and some announce by-hash paths that do not exist.
 */

/** A path that depends only on the content: it stays valid when upstream updates. */
export function byHashPath(suite: string, { path, sha256 }: ReleaseEntry): string {
  return inSuite(suite, `${path.replace(/[^/]+$/, "")}by-hash/SHA256/${sha256}`);
}

/**
 * Which of the listed files exist, by their paths in the suite, and which of them by hash, by their paths below the
 * archive's root. Upstream is asked once per Release, and a few times a day if something is missing. If a required
 * index exists in no form, all its compressed forms count as existing: the plan then includes it, and fetching reports
 * which file is missing.
 */
export async function presentOf(
  {
    exists,
    cache,
    now,
  }: {
    readonly exists?: ((paths: readonly string[]) => Promise<readonly boolean[]>) | undefined;
    readonly cache: MetadataCache;
    readonly now: Date;
  },
  release: Release,
  suite: string,
  selected: readonly SelectedIndex[],
): Promise<Set<string>> {
  const entries = selected.flatMap((index) => index.entries);
  const byHash = (of: readonly ReleaseEntry[]) =>
    release.byHash ? of.map((entry) => byHashPath(suite, entry)) : [];
  const assumed = (of: readonly ReleaseEntry[]) => {
    const compressed = of.filter(({ path }) => /\.(gz|xz|bz2|zst|tar)$/.test(path));
    return [...compressed.map(({ path }) => path), ...byHash(compressed)];
  };
  if (!exists) return new Set(assumed(entries));
  const wanted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const names = wanted.map(({ path }) => path);
  const cacheKey = `which files are of ${suite} ${release.sha256} ${digestOf(names.join("\n"))}`;
  const note = (await cache.recall(cacheKey)) ?? (await cache.recall(expiringKey(cacheKey, now)));
  if (note !== undefined) return new Set(note.split("\n").filter(Boolean));
  const answers = await exists(names.map((path) => inSuite(suite, path)));
  const existing = wanted.filter((_, index) => answers[index]);
  const hashed = byHash(existing);
  const lasting = hashed.length > 0 ? await exists(hashed) : [];
  const found = new Set([
    ...existing.map(({ path }) => path),
    ...hashed.filter((_, index) => lasting[index]),
  ]);
  const lacking = selected.filter((index) => !index.entries.some(({ path }) => found.has(path)));
  const needed = lacking.filter(({ kind }) => kind !== "other");
  // Upstream may be in the middle of an update, so it is read again: next time for required files, and soon for
  // others.
  if (needed.length === 0) {
    const whole = lacking.length === 0 && lasting.every(Boolean);
    await cache.remember(whole ? cacheKey : expiringKey(cacheKey, now), [...found].join("\n"));
  }
  return new Set([...found, ...needed.flatMap((index) => assumed(index.entries))]);
}

/** The names of an index: by hash if upstream has that, and its plain name. */
export function availableNames(
  release: Release,
  { suite, present }: { readonly suite: string; readonly present: ReadonlySet<string> },
  entry: ReleaseEntry,
): readonly string[] {
  const plain = inSuite(suite, entry.path);
  const hashed = byHashPath(suite, entry);
  return release.byHash && present.has(hashed) ? [hashed, plain] : [plain];
}

/** The first of the given names that exists. */
export async function firstAvailable(
  fetch: Fetch,
  names: readonly string[],
  expected: Expected,
): Promise<Buffer> {
  const [name = "", ...others] = names;
  try {
    return await fetch(name, expected);
  } catch (error) {
    if (others.length === 0 || !(error instanceof NotFound)) throw error;
    return firstAvailable(fetch, others, expected);
  }
}
