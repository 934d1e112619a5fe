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
  /** A URL for `streamLocation`. */
  readonly url: string;
  /** Fetches by paths below `streamLocation(url).base`. */
  readonly fetch: Fetch;
  /** False: read the unsigned index, without verification. @default true */
  readonly signed?: boolean | undefined;
  /** An argument of `trustedKeys`, or its result. @default the keys that MAAS trusts for images.maas.io */
  readonly key?: string | Uint8Array | TrustedKeys | undefined;
  readonly cache: MetadataCache;
  readonly now: Date;
  /** The dates of the files that were accepted last. Older ones are refused. */
  readonly seen?: StreamAges | undefined;
}

/** The dates in a stream's files, ISO 8601. */
export interface StreamAges {
  readonly index: string;
  /** Per content id. */
  readonly products: Readonly<Record<string, string>>;
}

/** A file of a stream's metadata. Exactly these bytes are published. */
export interface StreamFile {
  /** Below the stream's root. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly bytes: Buffer;
}

/** A stream's index and product files. Each has been verified. */
export interface StreamRoots {
  /** Digest of the files' digests: it changes when any file of the stream changes. */
  readonly digest: string;
  readonly ages: StreamAges;
  /** Full fingerprints of the signing keys; empty for an unsigned stream. */
  readonly signedBy: readonly string[];
  /** Undefined for an unsigned stream. */
  readonly keys: TrustedKeys | undefined;
  /** The index, then the product files. */
  readonly files: readonly StreamFile[];
  /** The signed text of a file. */
  text(file: StreamFile): Promise<string>;
  /** The content of a product file. It is parsed once: that of images.maas.io has 10 MB. */
  products(file: StreamFile): Promise<ProductFile>;
}

const largestIndex = 16 * 1024 * 1024;
const largestProducts = 64 * 1024 * 1024;
/** Maximum bytes of all product files: they are in memory during planning. Those of images.maas.io have 11 MB. */
const maximumProductBytes = 128 * 1024 * 1024;
/**
 * Maximum number of values (names, numbers, objects, lists) in all files. Those of images.maas.io have about 300,000.
 */
const maximumValues = 5_000_000;
/** A stream may have a thousand product files, but a server does not allow as many connections. */
const filesAtOnce = 8;
const day = 86_400_000;

/**
 * Reads a stream's index and all product files that it lists, since MAAS reads all of them.
 *
 * The index is fetched every time. A product file is fetched again only if its entry in the index has changed: the
 * date of an entry is copied from its file (maas-images, meph2/util.py, create_index). The index has no digests, so
 * the cache is used only if file and entry have exactly the same date. If the file is newer, the index will follow
 * soon, and the file is read again next time. If it is older, upstream is in the middle of an update or an old file is
 * served, and it is refused. Files of an unsigned stream are always fetched.
 *
 * @throws ExplainedError for an invalid signature, date or file; nothing of it is cached.
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
  /** Checks that a text, together with the others, is not too large to parse. */
  const checkedText = (text: string, path: string) => {
    const valueCount = valuesIn(text);
    all += valueCount - (values.get(path) ?? 0);
    values.set(path, valueCount);
    if (all <= maximumValues) return text;
    throw malformed(path, `together the files of the stream have more than ${maximumValues} values`);
  };
  const ages = new Map(Object.entries(seen?.products ?? {}));
  const seenOf = ({ contentId }: IndexEntry) => ages.get(contentId);
  const signedBy = new Set<string>();

  const indexFile = await get(location.index, largestIndex);
  const signedIndex = await verified(indexFile);
  if (signedIndex.signedBy) signedBy.add(signedIndex.signedBy);
  const index = parseIndex(checkedText(signedIndex.text, indexFile.path), indexFile.path);
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
      known.get(file.path) ?? parseProducts(checkedText((await verified(file)).text, file.path), file.path),
  };

  async function get(path: string, maximum: number): Promise<StreamFile> {
    const bytes = await fetch(path, { maximum });
    if (bytes.length > maximum) throw unverifiable(path, `it is longer than ${maximum} bytes`);
    return fileOf(path, bytes);
  }

  function count({ path, size }: StreamFile): void {
    bytesRead += size;
    if (bytesRead <= maximumProductBytes) return;
    throw new ExplainedError({
      step: `reading ${path}`,
      found: `together the product files of the stream have more than ${amountOf(maximumProductBytes)}`,
      remedy:
        "Nothing was changed. Check that the URL is a stream of MAAS images: the files of images.maas.io have 11 MB.",
    });
  }

  async function readList(entry: IndexEntry): Promise<ListRoot> {
    const cacheKey = `product file ${JSON.stringify([location.base, entry, keys?.fingerprints])}`;
    const noted = keys && knownList(await cache.recall(cacheKey));
    const bytes = noted && (await cache.get(noted.sha256));
    if (noted && bytes) {
      // Verified when it was cached, by a key that is still declared: the cache key contains the keys.
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
    const list = parseProducts(checkedText(by.text, file.path), file.path);
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

/** Reads the content of a stream's product files. */
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
      `its content id is ${list.contentId}, but ${indexPath} lists it as ${entry.contentId}: a wrong file is served`,
    );
  }
  if (list.updated.getTime() < entry.updated.getTime()) {
    throw unverifiable(
      entry.path,
      `it was made at ${list.updated.toISOString()}, but ${indexPath} lists one made at ${entry.updated.toISOString()}`,
    );
  }
}

function checkAge(path: string, updated: Date, now: Date, seen: string | undefined): void {
  if (updated.getTime() > now.getTime() + day) {
    throw new ExplainedError({
      step: `checking ${path}`,
      found: `it was made at ${updated.toISOString()}, ${spanOf(updated.getTime() - now.getTime())} from now by this workstation's clock`,
      remedy: "Set this workstation's clock. If it is correct, upstream's is wrong.",
    });
  }
  if (seen !== undefined && updated.getTime() < new Date(seen).getTime()) {
    throw new ExplainedError({
      step: `checking ${path}`,
      found: `it was made at ${updated.toISOString()}, and one of ${new Date(seen).toISOString()} was accepted before: upstream went back`,
      remedy:
        "Wait until upstream is up to date again, or use another mirror of it. To publish one of your older snapshots, set pinnedTo.",
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
      "Nothing was changed. Upstream may be in the middle of an update, or a proxy may have cached an old file: try again. If the error stays, use another mirror of it.",
  });
}
