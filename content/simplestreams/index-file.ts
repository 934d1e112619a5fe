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

/** Maximum number of product files of one index. The one of images.maas.io has six. */
const maximumEntries = 10_000;

/**
 * Reads the text of an index, with all entries, even those that are not selected: MAAS reads every product file that
 * an index lists, and fails if one is missing.
 *
 * @param name The file's name in errors.
 * @throws ExplainedError unless it is `index:1.0` with entries of `products:1.0`.
 */
export function parseIndex(text: string, name: string): StreamIndex {
  const document = jsonDocument(text, name);
  if (document.format !== "index:1.0") {
    throw malformed(name, `its format is ${shown(document.format)}, not "index:1.0"`);
  }
  if (!isObject(document.index)) throw malformed(name, "it has no index");
  const listed = Object.entries(document.index);
  if (listed.length > maximumEntries) {
    throw malformed(name, `it lists ${listed.length} product files; the maximum is ${maximumEntries}`);
  }
  const paths = new Set<string>();
  const entries = listed.map(([contentId, entry]) => {
    const where = `entry ${shown(contentId)}`;
    if (!isKey(contentId)) throw malformed(name, `${where} is not a valid content id`);
    if (!isObject(entry)) throw malformed(name, `${where} is not an object`);
    if (entry.format !== undefined && entry.format !== "products:1.0") {
      throw malformed(name, `${where}: its format is ${shown(entry.format)}, not "products:1.0"`);
    }
    const { path } = entry;
    if (typeof path !== "string" || !isSanePath(path)) {
      throw malformed(name, `${where}: its path is invalid: ${shown(path)}`);
    }
    if (paths.has(path)) throw malformed(name, `${where}: another entry has the same path ${path}`);
    paths.add(path);
    return { contentId, path, updated: updatedOf(entry, name, `${where}: `) };
  });
  return { updated: updatedOf(document, name), entries };
}

/** The date of a part of a stream. */
export function updatedOf({ updated }: JsonObject, name: string, where = ""): Date {
  const date = signedDate(updated);
  if (date) return date;
  throw malformed(
    name,
    `${where}its "updated" is ${shown(updated)}, not a date such as "Mon, 23 Nov 2026 06:06:27 +0000"`,
  );
}
