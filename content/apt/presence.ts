import { digestOf } from "../../values/digest.ts";
import { type Expected, type Fetch, NotThere } from "../fetch.ts";
import { expiringKey, type MetadataCache } from "../metadata-cache.ts";
import type { SelectedIndex } from "./indices.ts";
import type { Release, ReleaseEntry } from "./release.ts";
import { inSuite } from "./suite-place.ts";

/*
 * Which of the files that a Release lists upstream really has, and by which names: many list files that are on no server,
 * and some announce names by hash that they lack.
 */

/** The name of a file that only its content decides: what it names stays when upstream moves on. */
export function byHashPath(suite: string, { path, sha256 }: ReleaseEntry): string {
  return inSuite(suite, `${path.replace(/[^/]+$/, "")}by-hash/SHA256/${sha256}`);
}

/**
 * Which of the listed files are to be had, by their paths in the suite, and which of them by hash, by their paths below the
 * archive's root; asked once per Release, and where upstream lacks one, a few times a day. Of an index that is needed and
 * there in no form all compressed ones count as there: the plan never leaves it out, and fetching says which file
 * upstream lacks.
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
  const subject = `which files are of ${suite} ${release.sha256} ${digestOf(names.join("\n"))}`;
  const note = (await cache.recall(subject)) ?? (await cache.recall(expiringKey(subject, now)));
  if (note !== undefined) return new Set(note.split("\n").filter(Boolean));
  const answers = await exists(names.map((path) => inSuite(suite, path)));
  const there = wanted.filter((_, index) => answers[index]);
  const hashed = byHash(there);
  const lasting = hashed.length > 0 ? await exists(hashed) : [];
  const found = new Set([...there.map(({ path }) => path), ...hashed.filter((_, index) => lasting[index])]);
  const lacking = selected.filter((index) => !index.entries.some(({ path }) => found.has(path)));
  const needed = lacking.filter(({ kind }) => kind !== "other");
  // An upstream that is in the middle of an update is asked again: next time, or soon for what can be done without.
  if (needed.length === 0) {
    const whole = lacking.length === 0 && lasting.every(Boolean);
    await cache.remember(whole ? subject : expiringKey(subject, now), [...found].join("\n"));
  }
  return new Set([...found, ...needed.flatMap((index) => assumed(index.entries))]);
}

/** Where an index is asked for: by hash where upstream has it so, and by its name. */
export function availableNames(
  release: Release,
  { suite, present }: { readonly suite: string; readonly present: ReadonlySet<string> },
  entry: ReleaseEntry,
): readonly string[] {
  const plain = inSuite(suite, entry.path);
  const hashed = byHashPath(suite, entry);
  return release.byHash && present.has(hashed) ? [hashed, plain] : [plain];
}

/** The first of some names that is there. */
export async function firstAvailable(
  fetch: Fetch,
  names: readonly string[],
  expected: Expected,
): Promise<Buffer> {
  const [name = "", ...others] = names;
  try {
    return await fetch(name, expected);
  } catch (error) {
    if (others.length === 0 || !(error instanceof NotThere)) throw error;
    return firstAvailable(fetch, others, expected);
  }
}
