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

/** An image of a mirror, with the files that MAAS will request. */
export interface OfferedImage extends StreamImage {
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** Why MAAS cannot import it; undefined if it can. */
  readonly fault: Fault | undefined;
}

/** Files that are requested at the same time. */
const requestsAtOnce = 16;

/**
 * The images of a stream, read as MAAS does: the index, its signature with the declared keyring, every product file.
 *
 * @param cache Cache of unchanged product files.
 * @throws ExplainedError for errors at which MAAS would fail, mostly without reporting them.
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
 * The images that MAAS imports for the given selections.
 *
 * @throws ExplainedError for a selected image for which that is not known.
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
 * Checks whether a declared source's mirror can serve MAAS: the selected images are offered, and all their files exist
 * with the correct size.
 *
 * @param name The source's name in the declaration.
 * @returns The images that MAAS will import from it.
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
    // The cache must not be used: MAAS reads the current files.
    { ...defaultCache(), recall: async () => undefined },
  ).catch((error) => {
    if (!(error instanceof ExplainedError)) throw error;
    const { found, remedy, step } = error.explanation;
    throw new ExplainedError({
      step: `checking ${url} before MAAS is configured: ${step}`,
      found,
      remedy: `${remedy} MAAS would import nothing and report no error. MAAS was not changed.`,
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
      step: `checking ${url} before MAAS is configured`,
      found: `it has no ${os}/${release}${offered.length > 0 ? ` for ${lacking.join(", ")}` : ""}, only ${listed(images)}`,
      remedy: "Mirror it first, or remove it from the selections. MAAS was not changed.",
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
    step: `checking the files of ${url} before MAAS is configured`,
    found: `${all.length} of ${sizes.size} differ from its index:\n    ${few}${all.length > 5 ? "\n    ..." : ""}`,
    remedy:
      "Repair the mirror first (update it): a missing file stops the whole import. MAAS was not changed.",
  });
}

/** Why MAAS gets nothing from one of its sources. */
export interface ImportBlocker {
  readonly reason: string;
  /** Whether it is only unreachable: MAAS then still reads the other sources, although every import stops there. */
  readonly unreachable: boolean;
}

/**
 * Why MAAS gets nothing from one of its sources; undefined if it does. Before 3.8 such a source stops every import of
 * all sources, mostly without an error of MAAS.
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
      remedy: "Check that the mirror is served there: streams/v1/index.sjson is below a stream's root.",
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
    // MAAS ignores manifests.
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
