import { type FetchOptions, fetchText, type Route } from "./fetch.ts";
import { signedText } from "./signature.ts";

/** An item of a stream, with the fields of its version, product and list in one flat object. */
export interface StreamItem {
  readonly contentId: string;
  readonly product: string;
  readonly version: string;
  /** The ftypes of all items of this version. */
  readonly siblings: readonly string[];
  readonly fields: Readonly<Record<string, string>>;
}

/** A source to read. */
export interface StreamSource {
  readonly url: string;
  readonly keyring: Buffer;
  /** Whether `.sjson` is accepted without a check of its signature. */
  readonly unchecked?: boolean;
}

/** A product list of the stream. */
export interface ProductList {
  readonly contentId: string;
  readonly document: unknown;
}

/** Reads a stream's index and all its lists, or only the list that the URL names. */
export async function readLists(source: StreamSource, route: Route): Promise<ProductList[]> {
  const { root, path } = placeOf(source.url);
  const checked = !path.endsWith(".json") && source.unchecked !== true;
  const options: FetchOptions = { route };
  const read = async (name: string) => {
    const text = await fetchText(new URL(name, root).href, options);
    return JSON.parse(checked ? await signedText(text, source.keyring) : plainText(text));
  };
  const first = await read(path);
  if (first.format !== "index:1.0") return [{ contentId: String(first.content_id), document: first }];
  const lists: ProductList[] = [];
  for (const [contentId, entry] of Object.entries<{ path?: string; format?: string }>(first.index ?? {})) {
    if (entry.path === undefined || entry.format !== "products:1.0") continue;
    lists.push({ contentId, document: await read(entry.path) });
  }
  return lists;
}

/**
 * The parts of a boot source's URL: the base of all paths, and the first file to read
 * (simplestreams/util.py, `path_from_mirror_url`).
 */
export function placeOf(url: string): { readonly root: string; readonly path: string } {
  const match = /streams\/v1\/.*[.](sjson|json)$/.exec(url);
  const root = match === null ? url : url.slice(0, match.index);
  return {
    root: root.endsWith("/") ? root : `${root}/`,
    path: match?.[0] ?? "streams/v1/index.sjson",
  };
}

/** The items of the newest version of each product. MAAS uses only these. */
export function newestItems({ contentId, document }: ProductList): StreamItem[] {
  const { products = {}, ...list } = document as { products?: Record<string, Product> };
  return Object.entries(products).flatMap(([product, { versions = {}, ...ofProduct }]) => {
    const version = Object.keys(versions).sort().at(-1);
    if (version === undefined) return [];
    const { items = {}, ...ofVersion } = versions[version] ?? {};
    const siblings = Object.values(items).map((item) => String(item.ftype));
    return Object.values(items).map((item) => ({
      contentId,
      product,
      version,
      siblings,
      fields: { ...plain(list), ...plain(ofProduct), ...plain(ofVersion), ...plain(item) },
    }));
  });
}

interface Product {
  readonly versions?: Record<string, { readonly items?: Record<string, Record<string, unknown>> }>;
}

function plain(fields: object): Record<string, string> {
  const simple = Object.entries(fields).filter(([, value]) => typeof value !== "object");
  return Object.fromEntries(simple.map(([key, value]) => [key, String(value)]));
}

function plainText(text: string): string {
  const [, body] = /\r?\n\r?\n([\s\S]*?)\r?\n-----BEGIN PGP SIGNATURE-----/.exec(text) ?? [];
  return body?.replace(/^- /gm, "") ?? text;
}
