import { signedDate } from "../dates.ts";
import { isSanePath } from "../paths.ts";
import { isKey, isObject, type JsonObject, jsonDocument, malformed, shown } from "./json-document.ts";

/** A product file that an index lists. */
export interface IndexEntry {
  /** e.g. `com.ubuntu.maas:stable:v3:download` */
  readonly contentId: string;
  /** Below the stream's root. */
  readonly path: string;
  readonly updated: Date;
}

export interface StreamIndex {
  readonly updated: Date;
  readonly entries: readonly IndexEntry[];
}

/** Product files of one index. The real one has six. */
const mostEntries = 10_000;

/**
 * Reads the text of an index. All entries are taken, also those of images that nobody wants: MAAS reads every product
 * file that an index lists, and fails when one is not there.
 *
 * @param name What the file is called in errors.
 * @throws ExplainedError for anything that is not `index:1.0` with entries of `products:1.0`.
 */
export function parseIndex(text: string, name: string): StreamIndex {
  const document = jsonDocument(text, name);
  if (document.format !== "index:1.0") {
    throw malformed(name, `its format is ${shown(document.format)}, not "index:1.0"`);
  }
  if (!isObject(document.index)) throw malformed(name, "it has no index");
  const listed = Object.entries(document.index);
  if (listed.length > mostEntries) {
    throw malformed(
      name,
      `it lists ${listed.length} product files, and more than ${mostEntries} are not read`,
    );
  }
  const paths = new Set<string>();
  const entries = listed.map(([contentId, entry]) => {
    const where = `entry ${shown(contentId)}`;
    if (!isKey(contentId)) throw malformed(name, `${where} is not a content id`);
    if (!isObject(entry)) throw malformed(name, `${where} is not an object`);
    if (entry.format !== undefined && entry.format !== "products:1.0") {
      throw malformed(name, `${where}: its format is ${shown(entry.format)}, not "products:1.0"`);
    }
    const { path } = entry;
    if (typeof path !== "string" || !isSanePath(path)) {
      throw malformed(name, `${where}: its path leads elsewhere: ${shown(path)}`);
    }
    if (paths.has(path)) throw malformed(name, `${where}: another entry has the path ${path} too`);
    paths.add(path);
    return { contentId, path, updated: updatedOf(entry, name, `${where}: `) };
  });
  return { updated: updatedOf(document, name), entries };
}

/** The date that a part of a stream says it was made at. */
export function updatedOf({ updated }: JsonObject, name: string, where = ""): Date {
  const date = signedDate(updated);
  if (date) return date;
  throw malformed(
    name,
    `${where}its "updated" is ${shown(updated)}, not a date as "Mon, 23 Nov 2026 06:06:27 +0000"`,
  );
}
