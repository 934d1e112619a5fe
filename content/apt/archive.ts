import { createHash } from "node:crypto";
import { ExplainedError } from "../../errors/explained-error.ts";
import { compressionOf, unpacked } from "../decompress.ts";
import { type Fetch, NotThere } from "../fetch.ts";
import { forNow, type MetadataCache } from "../metadata-cache.ts";
import { type TrustedKeys, trustedKeys } from "../openpgp/keyring.ts";
import { type Verified, verifyClearsigned, verifyDetached } from "../openpgp/verify.ts";
import { IndexBudget } from "./index-budget.ts";
import { type Extras, type IndexKind, type SelectedIndex, selectIndices } from "./indices.ts";
import {
  type IndexedPackage,
  type OddStanza,
  readPackages,
  readSources,
  type SourceFile,
} from "./packages.ts";
import { checkRelease, parseRelease, type Release, type ReleaseEntry } from "./release.ts";

export interface ArchiveRequest {
  readonly fetch: Fetch;
  /** As `trustedKeys` takes it, or its result. @default the Ubuntu archive's key */
  readonly key?: string | Uint8Array | TrustedKeys | undefined;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly extras?: Extras;
  readonly cache: MetadataCache;
  readonly now: Date;
  /** Per suite, when what was accepted last was made (ISO 8601). */
  readonly seen?: Readonly<Record<string, { readonly date: string }>>;
  /**
   * Which of some paths upstream really has. A Release also lists files that are on no server (mostly
   * uncompressed forms); without this, compressed forms are taken to exist and uncompressed ones not to.
   */
  readonly exists?: (paths: readonly string[]) => Promise<readonly boolean[]>;
  /** Bytes that all indices may come to unpacked. @default 1 GiB */
  readonly indexLimit?: number | undefined;
}

/** A file below `dists/`, as upstream has it. */
export interface MetadataFile {
  /** Below the archive's root. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

/** What upstream signed of a suite. */
export interface ArchiveRoot {
  readonly name: string;
  readonly release: Release;
  /** Full fingerprint of the key that signed. */
  readonly signedBy: string;
  /** InRelease, Release, Release.gpg: those that upstream has, with their bytes. */
  readonly roots: readonly (MetadataFile & { readonly bytes: Buffer })[];
}

export interface ArchiveSuite extends ArchiveRoot {
  /** Every other file to have, by-hash paths included. */
  readonly files: readonly MetadataFile[];
  /** Its packages by index. */
  readonly indices: readonly PackageIndex[];
  /** Indices that are listed and wanted, hold no packages, and that upstream has in no form; below the archive's root. */
  readonly lacking: readonly string[];
}

export interface PackageIndex {
  readonly component: string;
  /** Of the index: packages in it may also be of architecture `all`. `source` for sources. */
  readonly architecture: string;
  readonly kind: "packages" | "installer" | "sources";
  /** Where the unpacked index is (or would be), below the archive's root. */
  readonly path: string;
  readonly packages: readonly IndexedPackage[];
  readonly sources: readonly SourceFile[];
  /** Its stanzas that cannot be read as one thing. */
  readonly odd: readonly OddStanza[];
}

export interface Archive {
  readonly suites: readonly ArchiveSuite[];
  readonly architectures: readonly string[];
  readonly extras: Extras;
  readonly keys: TrustedKeys;
}

const largestRoot = 16 * 1024 * 1024;

/**
 * Reads what an archive has of some suites, verified from the signature down: the signed root of each
 * suite, and from it by digest the indices. What the cache holds is not fetched again.
 */
export async function readArchive(request: ArchiveRequest): Promise<Archive> {
  const keys = await keysOf(request);
  const budget = new IndexBudget(request.indexLimit);
  const suites = await Promise.all(request.suites.map((suite) => readSuite(request, keys, suite, budget)));
  return { suites, architectures: request.architectures, extras: request.extras ?? {}, keys };
}

/** The signed root of each suite alone: enough to know whether anything has moved. */
export async function readReleases(request: ArchiveRequest): Promise<ArchiveRoot[]> {
  const keys = await keysOf(request);
  return Promise.all(request.suites.map((suite) => readRelease(request, keys, suite)));
}

async function keysOf({ key }: ArchiveRequest): Promise<TrustedKeys> {
  return typeof key === "object" && "keys" in key ? (key as TrustedKeys) : trustedKeys(key);
}

async function readRelease(request: ArchiveRequest, keys: TrustedKeys, suite: string): Promise<ArchiveRoot> {
  const { verified, roots } = await readRoot(request, keys, `dists/${suite}`);
  const name = roots[0]?.path ?? `dists/${suite}/InRelease`;
  const release = parseRelease(verified.text, name);
  checkRelease(release, name, { ...request, suite, seen: request.seen?.[suite]?.date });
  return { name: suite, release, signedBy: verified.signedBy, roots };
}

async function readSuite(
  request: ArchiveRequest,
  keys: TrustedKeys,
  suite: string,
  budget: IndexBudget,
): Promise<ArchiveSuite> {
  const base = `dists/${suite}`;
  const root = await readRelease(request, keys, suite);
  const { release } = root;
  const selected = selectIndices(release, suite, request);
  const listed = selected.flatMap(({ entries }) => entries);
  const present = await presentOf(request, release, base, selected);
  const indices = await Promise.all(
    selected.map(async ({ kind, path, component, architecture, entries }) => {
      if (kind === "other") return [];
      const forms = entries.filter((entry) => present.has(entry.path));
      const pieces = await readIndex(
        request,
        release,
        base,
        path,
        forms.length > 0 ? forms : entries,
        budget,
      );
      const full = `${base}/${path}`;
      const read =
        kind === "sources"
          ? { packages: [], ...(await readSources(pieces, full, budget)) }
          : { sources: [], ...(await readPackages(pieces, full, budget)) };
      return [
        {
          component,
          architecture,
          kind: kind as Exclude<IndexKind, "other">,
          path: full,
          ...read,
        },
      ];
    }),
  );
  return {
    ...root,
    files: listed
      .filter((entry) => present.has(entry.path))
      .flatMap((entry) => pathsOf(release, base, entry)),
    indices: indices.flat(),
    lacking: selected
      .filter(({ entries }) => !entries.some((entry) => present.has(entry.path)))
      .map(({ path }) => `${base}/${path}`),
  };
}

function pathsOf(release: Release, base: string, entry: ReleaseEntry): MetadataFile[] {
  const file = { path: `${base}/${entry.path}`, size: entry.size, sha256: entry.sha256 };
  return release.byHash ? [file, { ...file, path: byHashPath(base, entry) }] : [file];
}

function byHashPath(base: string, { path, sha256 }: ReleaseEntry): string {
  return `${base}/${path.replace(/[^/]+$/, "")}by-hash/SHA256/${sha256}`;
}

type Root = ArchiveSuite["roots"][number];

async function readRoot(
  { fetch, cache, now }: ArchiveRequest,
  keys: TrustedKeys,
  base: string,
): Promise<{ verified: Verified; roots: Root[] }> {
  const get = async (file: string): Promise<Root> => {
    const bytes = await fetch(`${base}/${file}`, { maximum: largestRoot });
    return rootOf(`${base}/${file}`, bytes);
  };
  let inline: Root;
  try {
    inline = await get("InRelease");
  } catch (error) {
    if (!(error instanceof NotThere)) throw error;
    const detached = await Promise.all([get("Release"), get("Release.gpg")]).catch(() => {
      // The first failure is the telling one.
      throw error;
    });
    const [text, signature] = detached;
    const verified = await verifyDetached(text.bytes, signature.bytes, keys, now, text.path);
    return { verified, roots: detached };
  }
  const verified = await verifyClearsigned(inline.bytes, keys, now, inline.path);
  return { verified, roots: [inline, ...(await detachedBeside(inline, verified))] };

  // Old clients ask for these; they are looked for only when InRelease has changed.
  async function detachedBeside(root: Root, { text }: Verified): Promise<Root[]> {
    const subject = `detached root beside ${root.path} ${root.sha256}`;
    const note = await cache.recall(subject);
    if (note !== undefined) {
      const kept = await Promise.all(
        note
          .split(" ")
          .filter(Boolean)
          .map((digest) => cache.get(digest)),
      );
      const [release, signature] = kept;
      if (note === "") return [];
      if (release && signature) {
        return [rootOf(`${base}/Release`, release), rootOf(`${base}/Release.gpg`, signature)];
      }
    }
    const found = await Promise.all([get("Release"), get("Release.gpg")]).catch((error: unknown) => {
      if (!(error instanceof NotThere)) throw error;
      return [];
    });
    const [release, signature] = found;
    // An upstream that is in the middle of an update has others: it is asked again next time.
    if (release && signature) {
      if (release.bytes.toString().trimEnd() !== text.trimEnd()) return [];
      const verifying = verifyDetached(release.bytes, signature.bytes, keys, now, release.path);
      if (!(await verifying.catch(() => undefined))) return [];
    }
    await cache.remember(subject, (await Promise.all(found.map(({ bytes }) => cache.put(bytes)))).join(" "));
    return found;
  }
}

function rootOf(path: string, bytes: Buffer): Root {
  if (bytes.length > largestRoot)
    throw tampered(path, `it does not end: more than ${largestRoot} bytes came`);
  return { path, bytes, size: bytes.length, sha256: digestOf(bytes) };
}

/**
 * Which of the listed files are to be had; asked once per Release, and where upstream lacks one, a few times a day. Of an
 * index that is needed and there in no form all compressed ones count as there: the plan never leaves it out, and
 * fetching says which file upstream lacks.
 */
async function presentOf(
  { exists, cache, now }: ArchiveRequest,
  release: Release,
  base: string,
  selected: readonly SelectedIndex[],
): Promise<Set<string>> {
  const entries = selected.flatMap((index) => index.entries);
  const assumed = (of: readonly ReleaseEntry[]) =>
    of.filter(({ path }) => /\.(gz|xz|bz2|zst|tar)$/.test(path)).map(({ path }) => path);
  if (!exists) return new Set(assumed(entries));
  const wanted = entries.map(({ path }) => path).sort();
  const subject = `which files are below ${base} ${release.sha256} ${digestOf(Buffer.from(wanted.join("\n")))}`;
  const note = (await cache.recall(subject)) ?? (await cache.recall(forNow(subject, now)));
  if (note !== undefined) return new Set(note.split("\n").filter(Boolean));
  const answers = await exists(wanted.map((path) => `${base}/${path}`));
  const found = new Set(wanted.filter((_, index) => answers[index]));
  const lacking = selected.filter((index) => !index.entries.some(({ path }) => found.has(path)));
  const needed = lacking.filter(({ kind }) => kind !== "other");
  // An upstream that is in the middle of an update is asked again: next time, or soon for what can be done without.
  if (needed.length === 0) {
    await cache.remember(lacking.length === 0 ? subject : forNow(subject, now), [...found].join("\n"));
  }
  return new Set([...found, ...needed.flatMap((index) => assumed(index.entries))]);
}

/**
 * Which form is read; one that is not there is no failure as long as another is. gzip before xz: a third
 * more bytes, but Node unpacks it itself, in a third of the time and with 100 MiB less memory (Debian main).
 */
const preference = ["gz", "zst", "xz", "none", "bz2"];

/** An index, unpacked in pieces; the last one comes only when all of them are what was signed. */
async function readIndex(
  { fetch, cache }: ArchiveRequest,
  release: Release,
  base: string,
  path: string,
  entries: readonly ReleaseEntry[],
  budget: IndexBudget,
): Promise<AsyncIterable<Uint8Array>> {
  const rank = (entry: ReleaseEntry) => preference.indexOf(compressionOf(entry.path));
  const forms = entries.filter((entry) => !entry.path.endsWith(".lzma")).sort((a, b) => rank(a) - rank(b));
  const plain = release.entries.get(path);
  let failure: unknown;
  for (const entry of forms) {
    const name = `${base}/${entry.path}`;
    let bytes = await cache.get(entry.sha256);
    if (!bytes) {
      // Before it is fetched: unpacked it is larger.
      if (entry.size > 0) budget.allow(entry.size, name);
      try {
        bytes = await fetch(release.byHash ? byHashPath(base, entry) : name, {
          ...entry,
          maximum: entry.size,
        });
      } catch (error) {
        failure ??= error;
        continue;
      }
      check(name, bytes, entry);
      await cache.put(bytes);
    }
    return signedPieces(unpacked(bytes, compressionOf(entry.path), name), plain, name, budget);
  }
  throw failure instanceof ExplainedError
    ? failure
    : new ExplainedError({
        step: `fetching ${base}/${path}`,
        found: failure
          ? (failure as Error).message
          : "upstream has it in no form that can be read (gz, xz, zst, bz2 or unpacked)",
        remedy:
          "Try again in a while: upstream may be in the middle of an update. If it stays so, use another mirror of it.",
        cause: failure,
      });
}

/** Counts the pieces, and checks them against what is signed of the unpacked file, where that is. */
async function* signedPieces(
  pieces: AsyncIterable<Uint8Array>,
  plain: { readonly size: number; readonly sha256: string } | undefined,
  name: string,
  budget: IndexBudget,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (plain && size > plain.size)
      throw tampered(`${name}, unpacked,`, `it is larger than its signed size of ${plain.size} bytes`);
    budget.spend(piece.length, name);
    if (plain) hash.update(piece);
    yield piece;
  }
  if (!plain) return;
  if (size < plain.size)
    throw tampered(`${name}, unpacked,`, `it is truncated: ${size} of ${plain.size} bytes`);
  const digest = hash.digest("hex");
  if (digest !== plain.sha256)
    throw tampered(`${name}, unpacked,`, `its SHA-256 is ${digest}, the signed one is ${plain.sha256}`);
}

function check(
  name: string,
  bytes: Buffer,
  expected: { readonly size: number; readonly sha256: string },
): void {
  if (bytes.length > expected.size) {
    throw tampered(name, `it is larger than its signed size of ${expected.size} bytes`);
  }
  if (bytes.length < expected.size) {
    throw tampered(name, `it is truncated: ${bytes.length} of ${expected.size} bytes`);
  }
  const digest = digestOf(bytes);
  if (digest !== expected.sha256) {
    throw tampered(name, `its SHA-256 is ${digest}, the signed one is ${expected.sha256}`);
  }
}

function tampered(name: string, found: string): ExplainedError {
  return new ExplainedError({
    step: `verifying ${name}`,
    found,
    remedy:
      "Nothing was taken over. Upstream may be in the middle of an update, or a proxy keeps an old file: try again; if it stays so, use another mirror of it.",
  });
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
