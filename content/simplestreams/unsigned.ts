import { digestOf } from "../../values/digest.ts";
import { forEachConcurrently } from "../bounded-work.ts";
import { jsonDocument, malformed } from "./json-document.ts";
import type { StreamFile, StreamRoots } from "./streams.ts";

/**
 * The unsigned `.json` forms of a signed stream's files, as on images.maas.io: the same text, but the index lists the
 * `.json` forms of the product files.
 */
export async function unsignedForms(roots: StreamRoots): Promise<StreamFile[]> {
  const [index, ...lists] = roots.files;
  if (!index || !roots.keys) return [];
  return [await indexForm(index), ...(await forEachConcurrently(lists, 4, listForm))];

  async function indexForm(file: StreamFile): Promise<StreamFile> {
    const document = jsonDocument(await roots.text(file), file.path) as {
      readonly index: Readonly<Record<string, { readonly path: string }>>;
    };
    const entries = Object.entries(document.index).map(([contentId, entry]) => [
      contentId,
      { ...entry, path: unsignedPath(entry.path) },
    ]);
    const unsigned = { ...document, index: Object.fromEntries(entries) };
    // In the format that simplestreams itself writes.
    return form(file, `${JSON.stringify(unsigned, undefined, 1)}\n`);
  }

  async function listForm(file: StreamFile): Promise<StreamFile> {
    const text = await roots.text(file);
    return form(file, text.endsWith("\n") ? text : `${text}\n`);
  }
}

function form({ path }: StreamFile, text: string): StreamFile {
  const bytes = Buffer.from(text);
  const sha256 = digestOf(bytes);
  return { path: unsignedPath(path), bytes, size: bytes.length, sha256 };
}

function unsignedPath(path: string): string {
  if (path.endsWith(".sjson")) return path.replace(/[.]sjson$/, ".json");
  throw malformed(path, "its name does not end in .sjson, so it cannot have an unsigned form beside it");
}
