import { createHash } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { launchpadDate } from "../archive/launchpad-date.ts";
import { type ArchiveKey, clearsigned } from "../archive/openpgp-key.ts";
import { contentBytes, type FileContent } from "./file-content.ts";

/** A file of one version of a product. If several products name the same path, it is the same file. */
export interface ImageItem {
  /** The kind of the file: `boot-kernel`, `squashfs`, `root-tgz`, `archive.tar.xz`, ... */
  readonly ftype: string;
  /** Below the stream's root, e.g. `noble/amd64/20260210/squashfs`. */
  readonly path: string;
  readonly content: FileContent;
  /** The other fields of its entry: `kpackage`, `src_version`, ... */
  readonly fields?: Readonly<Record<string, string>>;
}

/** A product with all its versions. */
export interface ImageProduct {
  /** E.g. `com.ubuntu.maas.stable:v3:boot:24.04:amd64:ga-24.04`. */
  readonly name: string;
  /**
   * The fields of the product's entry except its versions: `os`, `arch`, `release`, `label`, `subarches`, ...
   */
  readonly fields: Readonly<Record<string, string>>;
  /** Its versions, oldest first: `20260210`, `20240501_01`, `20221029.0`. */
  readonly serials: readonly string[];
  /** The files of a version, by the key of their entry. */
  items(serial: string): Readonly<Record<string, ImageItem>>;
}

/** The products of one content id. They are in one file of the stream. */
export interface ProductList {
  /** E.g. `com.ubuntu.maas:stable:v3:download`. */
  readonly contentId: string;
  readonly products: readonly ImageProduct[];
}

/** The content of a stream, and its signer. */
interface ImageStream {
  readonly lists: readonly ProductList[];
  readonly key: ArchiveKey;
  /** The `updated` time in the index and in each changed list. The resolution is one second. */
  readonly updated: Date;
  /**
   * The directory of the previous stream. Lists with the same content are linked from it unchanged, with their time and
   * signature. Files are hard links to its files.
   */
  readonly previous?: string | undefined;
}

/** The directory of the lists and the index, below the stream's root. */
export const streamsDirectory = "streams/v1";

/** Unsigned, or clearsigned. */
type Form = "json" | "sjson";

/** The path of the list of a content id, or of the index, below the stream's root. */
function streamFile(name: string, form: Form): string {
  return `${streamsDirectory}/${name}.${form}`;
}

/**
 * Writes a simplestreams tree like images.maas.io into a new directory: `streams/v1/index.sjson` and a file for each
 * content id, signed; the same files unsigned, as `.json`; and every file that they name. The format is that of
 * simplestreams' own writer: sorted keys, indented by one.
 */
export async function writeImageStream(directory: string, stream: ImageStream): Promise<void> {
  mkdirSync(join(directory, streamsDirectory), { recursive: true });
  const digests = new Map<string, string>();
  for (const item of stream.lists.flatMap(itemsOf)) {
    if (!digests.has(item.path)) digests.set(item.path, writeItem(directory, item, stream.previous));
  }
  const ages = await Promise.all(stream.lists.map((list) => writeList(directory, list, digests, stream)));
  const index = (form: Form) => ({
    format: "index:1.0",
    index: Object.fromEntries(
      stream.lists.map(({ contentId, products }, position) => [
        contentId,
        {
          datatype: "image-ids",
          format: "products:1.0",
          path: streamFile(contentId, form),
          products: products.map(({ name }) => name).sort(),
          updated: ages[position],
        },
      ]),
    ),
    updated: launchpadDate(stream.updated, "+0000"),
  });
  writeFileSync(join(directory, streamFile("index", "json")), text(index("json")));
  const signed = await clearsigned(text(index("sjson")), stream.key);
  writeFileSync(join(directory, streamFile("index", "sjson")), signed);
}

/** Writes a list in both forms, or links it from the previous stream. Returns its time. */
async function writeList(
  directory: string,
  list: ProductList,
  digests: ReadonlyMap<string, string>,
  { key, previous, updated }: ImageStream,
): Promise<string> {
  const file = (form: Form, where = directory) => join(where, streamFile(list.contentId, form));
  const said = listJson(list, digests);
  if (previous !== undefined && existsSync(file("json", previous))) {
    const before = JSON.parse(readFileSync(file("json", previous), "utf8"));
    if (text({ ...said, updated: before.updated }) === text(before)) {
      for (const form of ["json", "sjson"] as const) linkSync(file(form, previous), file(form));
      return before.updated;
    }
  }
  const json = text({ ...said, updated: launchpadDate(updated, "+0000") });
  writeFileSync(file("json"), json);
  writeFileSync(file("sjson"), await clearsigned(json, key));
  return launchpadDate(updated, "+0000");
}

/** Every item of a list, in all products and versions. */
function itemsOf(list: ProductList): ImageItem[] {
  return list.products.flatMap((product) =>
    product.serials.flatMap((serial) => Object.values(product.items(serial))),
  );
}

function listJson({ contentId, products }: ProductList, digests: ReadonlyMap<string, string>) {
  const entry = ({ ftype, path, content, fields }: ImageItem) => ({
    ftype,
    path,
    sha256: digests.get(path),
    size: content.size,
    ...fields,
  });
  const items = (product: ImageProduct, serial: string) => ({
    items: Object.fromEntries(
      Object.entries(product.items(serial)).map(([key, item]) => [key, entry(item)] as const),
    ),
  });
  return {
    content_id: contentId,
    datatype: "image-ids",
    format: "products:1.0",
    products: Object.fromEntries(
      products.map((product) => [
        product.name,
        {
          ...product.fields,
          versions: Object.fromEntries(product.serials.map((serial) => [serial, items(product, serial)])),
        },
      ]),
    ),
  };
}

/** Writes a file, or links it from the previous stream. Returns its sha256. */
function writeItem(directory: string, { path, content }: ImageItem, previous: string | undefined): string {
  const bytes = contentBytes(content);
  const file = join(directory, path);
  const before = previous === undefined ? undefined : join(previous, path);
  mkdirSync(dirname(file), { recursive: true });
  if (before !== undefined && existsSync(before)) linkSync(before, file);
  else writeFileSync(file, bytes);
  return createHash("sha256").update(bytes).digest("hex");
}

function text(value: object): string {
  return `${JSON.stringify(sorted(value), undefined, 1)}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
