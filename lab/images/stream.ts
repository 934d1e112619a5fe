import { createHash } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { launchpadDate } from "../archive/launchpad-date.ts";
import { type ArchiveKey, clearsigned } from "../archive/openpgp-key.ts";
import { contentBytes, type FileContent } from "./file-content.ts";

/** A file of one version of a product. Several products may name the same path: it is then one file. */
export interface ImageItem {
  /** What kind of file it is: `boot-kernel`, `squashfs`, `root-tgz`, `archive.tar.xz`, ... */
  readonly ftype: string;
  /** Below the stream's root, e.g. `noble/amd64/20260210/squashfs`. */
  readonly path: string;
  readonly content: FileContent;
  /** What else its entry says: `kpackage`, `src_version`, ... */
  readonly fields?: Readonly<Record<string, string>>;
}

/** A product with all its versions. */
export interface ImageProduct {
  /** E.g. `com.ubuntu.maas.stable:v3:boot:24.04:amd64:ga-24.04`. */
  readonly name: string;
  /** What the product's entry says besides its versions: `os`, `arch`, `release`, `label`, `subarches`, ... */
  readonly fields: Readonly<Record<string, string>>;
  /** Its versions, oldest first: `20260210`, `20240501_01`, `20221029.0`. */
  readonly serials: readonly string[];
  /** The files of a version, by the key of their entry. */
  items(serial: string): Readonly<Record<string, ImageItem>>;
}

/** The products of one content id: one file of the stream. */
export interface ProductList {
  /** E.g. `com.ubuntu.maas:stable:v3:download`. */
  readonly contentId: string;
  readonly products: readonly ImageProduct[];
}

/** What a stream holds, and who signs it. */
interface ImageStream {
  readonly lists: readonly ProductList[];
  readonly key: ArchiveKey;
  /** What the index and each changed list say of their age. Counts in seconds. */
  readonly updated: Date;
  /**
   * The directory of the stream before this one: lists that say the same as there are taken over as they are,
   * with their age and signature, and files are hard links to it.
   */
  readonly previous?: string | undefined;
}

/** Where in a stream its lists and its index are. */
export const streamsDirectory = "streams/v1";

/** Unsigned, or clearsigned. */
type Form = "json" | "sjson";

/** Where in a stream the list of a content id is, or the one called `index`. */
function streamFile(name: string, form: Form): string {
  return `${streamsDirectory}/${name}.${form}`;
}

/**
 * Writes a simplestreams tree as images.maas.io has it into a new directory: `streams/v1/index.sjson` and a file
 * for each content id, signed; the same unsigned as `.json`; and every file that they name. The form is that
 * of simplestreams' own writer: keys sorted, indented by one.
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

/** Writes a list in both forms, or takes it over from the stream before, and returns its age. */
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

/** Writes a file, or links it to the previous stream's, and returns its sha256. */
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
