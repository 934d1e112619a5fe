import { forEachConcurrently } from "../../../content/bounded-work.ts";
import type { Fetch } from "../../../content/fetch.ts";
import { defaultCache, type MetadataCache } from "../../../content/metadata-cache.ts";
import { trustedKeys } from "../../../content/openpgp/keyring.ts";
import { streamLocation } from "../../../content/simplestreams/location.ts";
import { imagesSelectedBy, type StreamImage } from "../../../content/simplestreams/maas-images.ts";
import type { Fault, Product } from "../../../content/simplestreams/products.ts";
import { readProducts, readStreamRoots } from "../../../content/simplestreams/streams.ts";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { type FoundSource, isUnsigned } from "../../../maas/boot-sources/state.ts";
import type { DeclaredSource } from "./inputs.ts";
import type { StreamReader } from "./stream-reader.ts";

/** An image that a mirror offers, with the files that MAAS will ask it for. */
export interface OfferedImage extends StreamImage {
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** Why MAAS cannot take it; undefined where it can. */
  readonly fault: Fault | undefined;
}

/** Files that are asked for at once. */
const requestsAtOnce = 16;

/**
 * What a stream offers, read as MAAS reads it: the index, its signature by this very keyring, every product file.
 *
 * @param cache where product files are that have not changed since
 * @throws ExplainedError for whatever MAAS would not get past, most of which it never reports
 */
export async function offeredImages(
  { fetch }: Pick<StreamReader, "fetch">,
  url: string,
  keyring: Buffer,
  cache: MetadataCache = defaultCache(),
): Promise<{ readonly images: OfferedImage[]; readonly metadata: { path: string; size: number }[] }> {
  const signed = !isUnsigned(url);
  const roots = await readStreamRoots({
    url,
    signed,
    fetch: fetchBelow(fetch, streamLocation(url, signed).base),
    ...(signed ? { key: await trustedKeys(keyring) } : {}),
    cache,
    now: new Date(),
  });
  const lists = await readProducts(roots);
  const products = lists.flatMap((list) => list.products);
  for (const { fault } of [...products, ...lists.flatMap(({ odd }) => odd)]) {
    if (fault?.stopsMaas) throw fault.refusal();
  }
  return {
    images: products
      .filter(({ kind, serials }) => kind !== "notifications" && serials.length > 0)
      .map(imageOf),
    metadata: roots.files.map(({ path, size }) => ({ path, size })),
  };
}

/**
 * What MAAS takes of these images for some selections.
 *
 * @throws ExplainedError for one of them of which it cannot be told what MAAS would take
 */
export function selectedImages(
  images: readonly OfferedImage[],
  selections: Parameters<typeof imagesSelectedBy>[1],
): OfferedImage[] {
  const taken = imagesSelectedBy(images, selections);
  for (const { fault } of taken) if (fault) throw fault.refusal();
  return taken;
}

/**
 * Looks whether a declared source's mirror will serve MAAS: what is selected is offered, and every file of it is
 * there with the right size.
 *
 * @param name What the source is called in the declaration.
 * @returns what MAAS will take from it
 */
export async function checkMirror(
  seen: StreamReader,
  name: string,
  { url, keyring, selections }: DeclaredSource,
): Promise<OfferedImage[]> {
  const values = [`sources.${name}`];
  const { images, metadata } = await offeredImages(
    seen,
    url,
    Buffer.from(keyring, "base64"),
    // Not what is known of the mirror counts, but what MAAS would get.
    { ...defaultCache(), recall: async () => undefined },
  ).catch((error) => {
    if (!(error instanceof ExplainedError)) throw error;
    const { found, remedy, step } = error.explanation;
    throw new ExplainedError({
      step: `checking ${url} before MAAS is pointed at it: ${step}`,
      found,
      remedy: `${remedy} MAAS would say nothing of it and import nothing; it was left as it is.`,
      values,
      cause: error,
    });
  });
  for (const { os, release, arches } of selections) {
    const offered = images.filter((image) => image.os === os && image.release === release);
    const lacking = arches.filter(
      (arch) => !offered.some(({ architecture }) => ["*", architecture].includes(arch)),
    );
    if (offered.length > 0 && lacking.length === 0) continue;
    throw new ExplainedError({
      step: `checking ${url} before MAAS is pointed at it`,
      found: `it has no ${os}/${release}${offered.length > 0 ? ` for ${lacking.join(", ")}` : ""}, only ${listed(images)}`,
      remedy: "Mirror it first, or take it out of the selections. MAAS was left as it is.",
      values: [`${values[0]}.selections`],
    });
  }
  const taken = selectedImages(images, selections);
  await checkFiles(seen, url, [...metadata, ...taken.flatMap(({ files }) => files)]);
  return taken;
}

async function checkFiles(
  seen: StreamReader,
  url: string,
  files: readonly { readonly path: string; readonly size: number }[],
): Promise<void> {
  const { base } = streamLocation(url, !isUnsigned(url));
  const sizes = new Map(files.map(({ path, size }) => [path, size]));
  const faults = await forEachConcurrently([...sizes], requestsAtOnce, async ([path, size]) => {
    const found = await seen.sizeOf(`${base}/${encoded(path)}`);
    return found === size
      ? []
      : [`${path}: ${typeof found === "string" ? found : `${found} bytes, not ${size}`}`];
  });
  const all = faults.flat();
  if (all.length === 0) return;
  const few = all.slice(0, 5).join("\n    ");
  throw new ExplainedError({
    step: `checking the files of ${url} before MAAS is pointed at it`,
    found: `${all.length} of ${sizes.size} are not as its index says:\n    ${few}${all.length > 5 ? "\n    ..." : ""}`,
    remedy:
      "Repair the mirror first (update it): a file that is missing ends the whole import. MAAS was left as it is.",
  });
}

/** Why MAAS gets nothing from a source that it has. */
export interface ImportBlocker {
  readonly reason: string;
  /** Whether it merely cannot be fetched: MAAS then reads the other sources all the same, though every import ends there. */
  readonly unreachable: boolean;
}

/**
 * Why MAAS gets nothing from a source that it has; undefined when it would. Such a source ends every import before 3.8, of
 * all sources, and of most of the reasons MAAS says nothing.
 */
export async function importBlocker(
  seen: StreamReader,
  source: FoundSource,
): Promise<ImportBlocker | undefined> {
  if (source.enabled === false) return undefined;
  const stops = (reason: string) => ({ reason, unreachable: false });
  let unreachable = false;
  const fetch: StreamReader["fetch"] = async (url, maximumBytes) => {
    unreachable = true;
    const answer = await seen.fetch(url, maximumBytes);
    unreachable = answer.status !== 200;
    return answer;
  };
  try {
    const keyring = source.keyringFilename ? await seen.file(source.keyringFilename) : source.keyring;
    if (keyring === "unknown") return undefined;
    if (keyring === undefined)
      return stops(`its keyring ${source.keyringFilename} is not on the region host`);
    if (keyring.includes("-----BEGIN") && !isUnsigned(source.url))
      return stops("its keyring is armored text, which gpgv cannot read");
    await offeredImages({ fetch }, source.url, keyring);
    return undefined;
  } catch (error) {
    if (!(error instanceof ExplainedError)) throw error;
    return { reason: `${error.explanation.step}: ${error.explanation.found}`, unreachable };
  }
}

function fetchBelow(fetch: StreamReader["fetch"], base: string): Fetch {
  return async (path, { maximum }) => {
    const url = `${base}/${encoded(path)}`;
    const { status, body } = await fetch(url, maximum + 1);
    if (status === 200) return body;
    throw new ExplainedError({
      step: `fetching ${url}`,
      found: `the server answered ${status}`,
      remedy: "See that the mirror is served there: streams/v1/index.sjson is below a stream's root.",
    });
  };
}

function imageOf(product: Product): OfferedImage {
  const serial = product.serials.at(-1) ?? "";
  const { os, release, architecture, kernel } = product;
  return {
    os,
    release,
    architecture,
    kernel: product.kind === "bootloader" ? "generic" : kernel,
    serial,
    fault: product.fault,
    // MAAS takes no notice of manifests.
    get files() {
      return product
        .items(serial)
        .filter(({ ftype }) => ftype !== "manifest")
        .map(({ path, size }) => ({ path, size }));
    },
  };
}

function encoded(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function listed(images: readonly StreamImage[]): string {
  const names = [
    ...new Set(images.map(({ os, release, architecture }) => `${os}/${release} ${architecture}`)),
  ];
  return names.slice(0, 12).join(", ") + (names.length > 12 ? " ..." : "");
}
