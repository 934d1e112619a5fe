import { createHash } from "node:crypto";
import { ExplainedError } from "../../errors/explained-error.ts";
import { compressionOf, unpacked } from "../decompress.ts";
import { type Fetch, NotThere } from "../fetch.ts";
import type { MetadataCache } from "../metadata-cache.ts";
import { type TrustedKeys, trustedKeys } from "../openpgp/keyring.ts";
import { type Verified, verifyClearsigned, verifyDetached } from "../openpgp/verify.ts";
import { IndexBudget } from "./index-budget.ts";
import { type Extras, type IndexKind, selectIndices } from "./indices.ts";
import {
  type IndexedPackage,
  type OddStanza,
  readPackages,
  readSources,
  type SourceFile,
} from "./packages.ts";
import { byHashPath, firstThere, namesOf, presentOf } from "./presence.ts";
import { type Accepted, checkRelease, parseRelease, type Release, type ReleaseEntry } from "./release.ts";
import { inSuite } from "./suite-place.ts";

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
  /** What is taken all the same, and why. */
  readonly accept?: Accepted | undefined;
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

/** A file of a suite's metadata, as upstream signed it. */
export interface MetadataFile {
  /** Below the archive's root. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** Where upstream has these bytes. A name by hash lasts when upstream moves on meanwhile, where there is one. */
  readonly from: string;
}

/** What upstream signed of a suite. */
export interface ArchiveRoot {
  readonly name: string;
  readonly release: Release;
  /** Full fingerprint of the key that signed. */
  readonly signedBy: string;
  /** InRelease, Release, Release.gpg: those that upstream has, with their bytes. */
  readonly roots: readonly (MetadataFile & { readonly bytes: Buffer })[];
  /** What of it was taken all the same, with the reasons. */
  readonly accepted: readonly string[];
}

export interface ArchiveSuite extends ArchiveRoot {
  /** Every other file to have, by-hash paths included. */
  readonly files: readonly MetadataFile[];
  /** Its packages by index. */
  readonly indices: readonly PackageIndex[];
  /** Indices that are listed and wanted, hold no packages, and that upstream has in no form; below the archive's root. */
  readonly lacking: readonly string[];
  /** Indices that are not listed though others of their component and architecture are; below the archive's root. */
  readonly unlisted: readonly string[];
  /** Whether indices by hash are announced, and upstream lacks some. */
  readonly lacksByHash: boolean;
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
  const { verified, roots } = await readRoot(request, keys, suite);
  const name = roots[0]?.path ?? inSuite(suite, "InRelease");
  const release = parseRelease(verified.text, name);
  const seen = request.seen && Object.hasOwn(request.seen, suite) ? request.seen[suite]?.date : undefined;
  const accepted = [
    ...(verified.weak ? [`accepted: ${name}: ${verified.weak} (${request.accept?.weakSignature})`] : []),
    ...checkRelease(release, name, { ...request, suite, seen }),
  ];
  return { name: suite, release, signedBy: verified.signedBy, roots, accepted };
}

async function readSuite(
  request: ArchiveRequest,
  keys: TrustedKeys,
  suite: string,
  budget: IndexBudget,
): Promise<ArchiveSuite> {
  const root = await readRelease(request, keys, suite);
  const { release } = root;
  const { indices: selected, unlisted } = selectIndices(release, suite, request);
  const listed = selected.flatMap(({ entries }) => entries);
  const present = await presentOf(request, release, suite, selected);
  const filesOf = (entry: ReleaseEntry): MetadataFile[] => {
    const { size, sha256 } = entry;
    const path = inSuite(suite, entry.path);
    if (!release.byHash) return [{ path, size, sha256, from: path }];
    const hashed = byHashPath(suite, entry);
    const from = present.has(hashed) ? hashed : path;
    return [path, hashed].map((name) => ({ path: name, size, sha256, from }));
  };
  const indices = await Promise.all(
    selected.map(async ({ kind, path, component, architecture, entries }) => {
      if (kind === "other") return [];
      const forms = entries.filter((entry) => present.has(entry.path));
      const pieces = await readIndex(
        request,
        release,
        { suite, path, architecture, present },
        forms.length > 0 ? forms : entries,
        budget,
      );
      const full = inSuite(suite, path);
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
    files: listed.filter((entry) => present.has(entry.path)).flatMap(filesOf),
    indices: indices.flat(),
    lacking: selected
      .filter(({ entries }) => !entries.some((entry) => present.has(entry.path)))
      .map(({ path }) => inSuite(suite, path)),
    unlisted,
    lacksByHash:
      release.byHash &&
      listed.some((entry) => present.has(entry.path) && !present.has(byHashPath(suite, entry))),
  };
}

type Root = ArchiveSuite["roots"][number];

async function readRoot(
  { fetch, cache, now, accept }: ArchiveRequest,
  keys: TrustedKeys,
  suite: string,
): Promise<{ verified: Verified; roots: Root[] }> {
  const get = async (file: string): Promise<Root> => {
    const path = inSuite(suite, file);
    return rootOf(path, await fetch(path, { maximum: largestRoot }));
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
    const verified = await verifyDetached(text.bytes, signature.bytes, keys, now, text.path, accept);
    return { verified, roots: detached };
  }
  const verified = await verifyClearsigned(inline.bytes, keys, now, inline.path, accept);
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
        return [rootOf(inSuite(suite, "Release"), release), rootOf(inSuite(suite, "Release.gpg"), signature)];
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
      const verifying = verifyDetached(release.bytes, signature.bytes, keys, now, release.path, accept);
      if (!(await verifying.catch(() => undefined))) return [];
    }
    await cache.remember(subject, (await Promise.all(found.map(({ bytes }) => cache.put(bytes)))).join(" "));
    return found;
  }
}

function rootOf(path: string, bytes: Buffer): Root {
  if (bytes.length > largestRoot)
    throw tampered(path, `it does not end: more than ${largestRoot} bytes came`);
  const other = otherThanText(bytes);
  if (other) throw notTheFile(path, other);
  return { path, from: path, bytes, size: bytes.length, sha256: digestOf(bytes) };
}

/** What came in place of a signed text, where that can be told: it says nothing of the archive or its key. */
function otherThanText(bytes: Buffer): string | undefined {
  if (bytes.length === 0) return "it is empty";
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "it came packed with gzip, which nobody asked for";
  if (/^\s*(<!doctype\s|<html|<\?xml)/i.test(bytes.toString("latin1", 0, 200))) {
    return "a web page came in its place, as a login page of a network or of a proxy does";
  }
  return undefined;
}

function notTheFile(path: string, found: string): ExplainedError {
  return new ExplainedError({
    step: `reading ${path}`,
    found,
    remedy:
      "Nothing was taken over. See with `curl -I` on the mirror's host what answers there: a proxy, a network's login page, or another server than the archive's.",
    values: ["upstream.url"],
  });
}

/**
 * Which form is read; one that is not there is no failure as long as another is. gzip before xz: a third
 * more bytes, but Node unpacks it itself, in a third of the time and with 100 MiB less memory (Debian main).
 */
const preference = ["gz", "zst", "xz", "none", "bz2"];

interface ReadFrom {
  readonly suite: string;
  /** Of the unpacked index, in the suite. */
  readonly path: string;
  readonly architecture: string;
  readonly present: ReadonlySet<string>;
}

/** Some servers have the indices of some architectures only, under a Release that lists those of all. */
function lacksArchitecture(name: string, architecture: string, cause: ExplainedError): ExplainedError {
  return new ExplainedError({
    ...cause.explanation,
    step: `fetching ${name}`,
    found: `the signed Release lists packages for ${architecture}, and this server has no index of them in any form (${cause.explanation.found})`,
    remedy: `Take ${architecture} out of architectures, or mirror a server that has it: Ubuntu keeps all but amd64 and i386 at http://ports.ubuntu.com/ubuntu-ports, which is a mirror of its own here. If upstream is in the middle of an update, try again.`,
    values: ["architectures", "upstream.url"],
    cause,
  });
}

/** An index, unpacked in pieces; the last one comes only when all of them are what was signed. */
async function readIndex(
  { fetch, cache }: ArchiveRequest,
  release: Release,
  from: ReadFrom,
  entries: readonly ReleaseEntry[],
  budget: IndexBudget,
): Promise<AsyncIterable<Uint8Array>> {
  const { suite, path } = from;
  let absent = true;
  const rank = (entry: ReleaseEntry) => preference.indexOf(compressionOf(entry.path));
  const forms = entries.filter((entry) => !entry.path.endsWith(".lzma")).sort((a, b) => rank(a) - rank(b));
  const plain = release.entries.get(path);
  let failure: unknown;
  for (const entry of forms) {
    const name = inSuite(suite, entry.path);
    let bytes = await cache.get(entry.sha256);
    if (!bytes) {
      // Before it is fetched: unpacked it is larger.
      if (entry.size > 0) budget.allow(entry.size, name);
      try {
        bytes = await firstThere(fetch, namesOf(release, from, entry), { ...entry, maximum: entry.size });
      } catch (error) {
        absent &&= error instanceof NotThere;
        failure ??= error;
        continue;
      }
      check(name, bytes, entry);
      await cache.put(bytes);
    }
    return signedPieces(unpacked(bytes, compressionOf(entry.path), name), plain, name, budget);
  }
  const name = inSuite(suite, path);
  if (
    absent &&
    failure instanceof NotThere &&
    !["amd64", "all", "any", "source"].includes(from.architecture)
  ) {
    throw lacksArchitecture(name, from.architecture, failure);
  }
  throw failure instanceof ExplainedError
    ? failure
    : new ExplainedError({
        step: `fetching ${name}`,
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
