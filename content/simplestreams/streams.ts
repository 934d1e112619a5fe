import { ExplainedError } from "../../errors/explained-error.ts";
import { digestOf } from "../../values/digest.ts";
import { forEachConcurrently } from "../bounded-work.ts";
import { spanOf } from "../dates.ts";
import type { Fetch } from "../fetch.ts";
import type { MetadataCache } from "../metadata-cache.ts";
import { type TrustedKeys, trustedKeys, ubuntuImageKeys } from "../openpgp/keyring.ts";
import { verifyClearsigned } from "../openpgp/verify.ts";
import { amountOf } from "../sizes.ts";
import { type IndexEntry, parseIndex, type StreamIndex } from "./index-file.ts";
import { malformed, valuesIn } from "./json-document.ts";
import { streamLocation } from "./location.ts";
import { type ProductFile, parseProducts } from "./products.ts";
import { refuseUnexpectedContent } from "./unexpected-content.ts";

export interface StreamRequest {
  /** As `streamLocation` takes it. */
  readonly url: string;
  /** By paths below `streamLocation(url).base`. */
  readonly fetch: Fetch;
  /** False: take the unsigned index, which proves nothing. @default true */
  readonly signed?: boolean | undefined;
  /** As `trustedKeys` takes it, or its result. @default the keys that MAAS trusts for images.maas.io */
  readonly key?: string | Uint8Array | TrustedKeys | undefined;
  readonly cache: MetadataCache;
  readonly now: Date;
  /** When what was accepted last was made. Anything older is refused. */
  readonly seen?: StreamAges | undefined;
}

/** When a stream's files say they were made, ISO 8601. */
export interface StreamAges {
  readonly index: string;
  /** Per content id. */
  readonly products: Readonly<Record<string, string>>;
}

/** A file of a stream's metadata, as upstream has it: these very bytes are published. */
export interface StreamFile {
  /** Below the stream's root. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly bytes: Buffer;
}

/** A stream's index and product files, each verified by itself. */
export interface StreamRoots {
  /** Of the files' digests: the same as long as nothing of the stream has moved. */
  readonly digest: string;
  readonly ages: StreamAges;
  /** Full fingerprints of the keys that signed; empty for an unsigned stream. */
  readonly signedBy: readonly string[];
  /** Undefined for an unsigned stream. */
  readonly keys: TrustedKeys | undefined;
  /** The index, then the product files. */
  readonly files: readonly StreamFile[];
  /** What was signed in one of them. */
  text(file: StreamFile): Promise<string>;
  /** What a product file says. It is read once: the real one has 10 MB. */
  products(file: StreamFile): Promise<ProductFile>;
}

const largestIndex = 16 * 1024 * 1024;
const largestProducts = 64 * 1024 * 1024;
/** Of all product files: they are in memory while a mirror is planned. Those of images.maas.io have 11 MB. */
const largestInAll = 128 * 1024 * 1024;
/** In all files: names, numbers, objects and lists. Those of images.maas.io have some 300,000. */
const mostValues = 5_000_000;
/** A stream may have a thousand product files, and a server does not have as many connections for one reader. */
const filesAtOnce = 8;
const day = 86_400_000;

/**
 * Reads a stream's index and the product files that it lists: all of them, since MAAS reads all of them.
 *
 * The index is fetched every time. A product file is fetched again only when its entry in the index has changed: an
 * entry's date is copied from its file (maas-images, meph2/util.py, create_index). The index has no digests
 * though, so this is relied on only where file and entry have the very same date. Where the file is newer, the
 * index is about to follow, and the file is read again next time; where it is older, upstream is in the middle
 * of an update, or somebody holds a file back, and it is refused. Of an unsigned stream everything is read each time.
 *
 * @throws ExplainedError for a signature, a date or a file that is not right; nothing is remembered of it
 */
export async function readStreamRoots(request: StreamRequest): Promise<StreamRoots> {
  const location = streamLocation(request.url, request.signed);
  const { cache, fetch, now, seen } = request;
  const keys = location.signed ? await keysOf(request) : undefined;
  const verified = async ({ bytes, path }: StreamFile) => {
    refuseUnexpectedContent(bytes, path, keys !== undefined);
    return keys ? verifyClearsigned(bytes, keys, now, path) : { text: bytes.toString(), signedBy: undefined };
  };
  const known = new Map<string, ProductFile>();
  const values = new Map<string, number>();
  let all = 0;
  /** A text that may be read: with the others it does not say more than a workstation can hold. */
  const modest = (text: string, path: string) => {
    const here = valuesIn(text);
    all += here - (values.get(path) ?? 0);
    values.set(path, here);
    if (all <= mostValues) return text;
    throw malformed(path, `with it the files of the stream have more than ${mostValues} values`);
  };
  const ages = new Map(Object.entries(seen?.products ?? {}));
  const seenOf = ({ contentId }: IndexEntry) => ages.get(contentId);
  const signedBy = new Set<string>();

  const indexFile = await get(location.index, largestIndex);
  const signedIndex = await verified(indexFile);
  if (signedIndex.signedBy) signedBy.add(signedIndex.signedBy);
  const index = parseIndex(modest(signedIndex.text, indexFile.path), indexFile.path);
  checkAge(indexFile.path, index.updated, now, seen?.index);
  let bytesRead = 0;
  const lists = await forEachConcurrently(index.entries, filesAtOnce, readList);
  const files = [indexFile, ...lists.map(({ file }) => file)];
  return {
    digest: digestOf(files.map(({ path, sha256 }) => `${sha256} ${path}\n`).join("")),
    ages: agesOf(index, lists),
    signedBy: [...signedBy].sort(),
    keys,
    files,
    text: async (file) => (await verified(file)).text,
    products: async (file) =>
      known.get(file.path) ?? parseProducts(modest((await verified(file)).text, file.path), file.path),
  };

  async function get(path: string, maximum: number): Promise<StreamFile> {
    const bytes = await fetch(path, { maximum });
    if (bytes.length > maximum) throw unverifiable(path, `it does not end: more than ${maximum} bytes came`);
    return fileOf(path, bytes);
  }

  function count({ path, size }: StreamFile): void {
    bytesRead += size;
    if (bytesRead <= largestInAll) return;
    throw new ExplainedError({
      step: `reading ${path}`,
      found: `with it the product files of the stream have more than ${amountOf(largestInAll)}`,
      remedy:
        "Nothing was taken over. Check that the URL is a stream of MAAS images: those of images.maas.io have 11 MB.",
    });
  }

  async function readList(entry: IndexEntry): Promise<ListRoot> {
    const cacheKey = `product file ${JSON.stringify([location.base, entry, keys?.fingerprints])}`;
    const noted = keys && knownList(await cache.recall(cacheKey));
    const bytes = noted && (await cache.get(noted.sha256));
    if (noted && bytes) {
      // Verified when it was kept, by a key that is still declared: the note's cacheKey names the keys.
      signedBy.add(noted.signedBy);
      checkAge(entry.path, entry.updated, now, seenOf(entry));
      const kept = fileOf(entry.path, bytes);
      count(kept);
      return { contentId: entry.contentId, updated: entry.updated, file: kept };
    }
    const file = await get(entry.path, largestProducts);
    count(file);
    const by = await verified(file);
    if (by.signedBy) signedBy.add(by.signedBy);
    const list = parseProducts(modest(by.text, file.path), file.path);
    const { contentId, updated } = list;
    known.set(file.path, list);
    checkList(entry, { contentId, updated }, indexFile.path);
    checkAge(file.path, updated, now, seenOf(entry));
    if (by.signedBy && updated.getTime() === entry.updated.getTime()) {
      await cache.put(file.bytes);
      await cache.remember(cacheKey, `${file.sha256} ${by.signedBy}`);
    }
    return { contentId, updated, file };
  }
}

/** Reads what the product files of a stream say. */
export async function readProducts(roots: StreamRoots): Promise<ProductFile[]> {
  const [, ...lists] = roots.files;
  return forEachConcurrently(lists, filesAtOnce, (file) => roots.products(file));
}

interface ListRoot {
  readonly contentId: string;
  readonly updated: Date;
  readonly file: StreamFile;
}

async function keysOf({ key }: StreamRequest): Promise<TrustedKeys> {
  return typeof key === "object" && "keys" in key
    ? (key as TrustedKeys)
    : trustedKeys(key ?? ubuntuImageKeys);
}

function knownList(note: string | undefined): { sha256: string; signedBy: string } | undefined {
  const [sha256 = "", signedBy = ""] = note?.split(" ") ?? [];
  return note === undefined ? undefined : { sha256, signedBy };
}

function checkList(entry: IndexEntry, list: Omit<ListRoot, "file">, indexPath: string): void {
  if (list.contentId !== entry.contentId) {
    throw unverifiable(
      entry.path,
      `it is of ${list.contentId}, and ${indexPath} has it as ${entry.contentId}: one file is served in place of another`,
    );
  }
  if (list.updated.getTime() < entry.updated.getTime()) {
    throw unverifiable(
      entry.path,
      `it was made at ${list.updated.toISOString()}, and ${indexPath} speaks of one made at ${entry.updated.toISOString()}`,
    );
  }
}

function checkAge(path: string, updated: Date, now: Date, seen: string | undefined): void {
  if (updated.getTime() > now.getTime() + day) {
    throw new ExplainedError({
      step: `checking ${path}`,
      found: `it was made at ${updated.toISOString()}, ${spanOf(updated.getTime() - now.getTime())} from now by this workstation's clock`,
      remedy: "Set this workstation's clock; if it is right, upstream's is wrong.",
    });
  }
  if (seen !== undefined && updated.getTime() < new Date(seen).getTime()) {
    throw new ExplainedError({
      step: `checking ${path}`,
      found: `it was made at ${updated.toISOString()}, and one of ${new Date(seen).toISOString()} was accepted before: upstream went back`,
      remedy:
        "Wait until upstream is up to date again, or use another mirror of it. Publish an older snapshot of yours with pinnedTo.",
    });
  }
}

function agesOf(index: StreamIndex, lists: readonly ListRoot[]): StreamAges {
  return {
    index: index.updated.toISOString(),
    products: Object.fromEntries(lists.map(({ contentId, updated }) => [contentId, updated.toISOString()])),
  };
}

function fileOf(path: string, bytes: Buffer): StreamFile {
  return { path, bytes, size: bytes.length, sha256: digestOf(bytes) };
}

function unverifiable(path: string, found: string): ExplainedError {
  return new ExplainedError({
    step: `verifying ${path}`,
    found,
    remedy:
      "Nothing was taken over. Upstream may be in the middle of an update, or a proxy keeps an old file: try again; if it stays so, use another mirror of it.",
  });
}
