import { createHash } from "node:crypto";
import type { Maas } from "../maas.ts";
import { bootResources, isFileComplete, latestComplete } from "./boot-resources.ts";
import { bootSources, type Selection, selections } from "./boot-sources.ts";
import { ensureDefaultSource } from "./default-source.ts";
import { type Image, imagesOf, mergeSelected, versionName, type Wanted } from "./descriptions.ts";
import { FetchError, open } from "./fetch.ts";
import { routeOf } from "./route.ts";
import { activeSources, cachedImages, listsOf, refreshCache, withKeyring } from "./source-cache.ts";
import { newestItems, placeOf, type StreamItem } from "./stream.ts";
import { type Download, SyncedProducts } from "./synced-products.ts";

/** Hooks of an import. */
interface ImportWatch {
  /** Stops it. */
  readonly signal: AbortSignal;
  /** Called after the metadata is fetched, before content is fetched. */
  downloading(): void;
}

/**
 * Imports the selected images, and starts again if selections change meanwhile (maasserver/bootresources.py,
 * `_import_resources_internal`). Returns the last line that MAAS logs. Throws if that is only "Importing boot resources
 * failed."
 */
export async function importImages(maas: Maas, watch: ImportWatch): Promise<string> {
  for (;;) {
    ensureDefaultSource(maas);
    await refreshCache(maas);
    const before = wantedNow(maas);
    const sources = await offered(maas);
    const selected = new Map<string, Image>();
    for (const { id, items } of sources) mergeSelected(selected, imagesOf(items), wantedOf(maas, id));
    if (selected.size === 0) return "Unable to import boot images, no image descriptions avaliable.";
    const versions = new Set([...selected.values()].map(({ item }) => versionName(item)));
    const products = new SyncedProducts(maas);
    for (const { root, items } of sources) {
      for (const item of items.filter((one) => versions.has(versionName(one)))) {
        products.insert(item, new URL(item.fields.path ?? "", root).href);
      }
    }
    if (products.isTotalLoss) {
      return "Finalization of imported images skipped, or all synced images would be deleted.";
    }
    products.removeLeft();
    maas.store.save();
    watch.downloading();
    for (const download of products.downloads) await fetchContent(maas, download, watch.signal);
    products.removeOldSets();
    setDefaultReleases(maas);
    maas.store.save();
    if (JSON.stringify(wantedNow(maas)) === JSON.stringify(before)) {
      return `Finished importing of boot images from ${sources.length} source(s).`;
    }
  }
}

interface Offer {
  readonly id: number;
  readonly root: string;
  readonly items: StreamItem[];
}

/** The images of all sources. Up to 3.7, a source that cannot be read ends the import. */
async function offered(maas: Maas): Promise<Offer[]> {
  const offers: Offer[] = [];
  for (const source of activeSources(maas)) {
    try {
      const lists = await listsOf(maas, withKeyring(source));
      offers.push({ id: source.id, root: filesRoot(maas, source.url), items: lists.flatMap(newestItems) });
    } catch (error) {
      if (!maas.version.namedSources) throw error;
    }
  }
  return offers;
}

/**
 * The base URL of file paths. Newer releases find it only if the source's URL names an index and no other
 * file.
 */
function filesRoot(maas: Maas, url: string): string {
  if (!maas.version.namedSources) return placeOf(url).root;
  const root = url.replace(/streams\/v1\/index\.s?json$/, "");
  return root.endsWith("/") ? root : `${root}/`;
}

/** A source's selections, and all its known boot loaders. */
function wantedOf(maas: Maas, bootSourceId: number): Wanted[] {
  const own = selections(maas).filter((selection) => selection.bootSourceId === bootSourceId);
  const all = { subarches: ["*"], labels: ["*"] };
  const loaders = cachedImages(maas)
    .filter((image) => image.bootSourceId === bootSourceId && image.bootloaderType !== undefined)
    .map(({ os, release, arch }) => ({ os, release, arches: [arch], ...all }));
  return [...own, ...loaders, { os: "*", release: "notifications", arches: ["*"], ...all }];
}

function wantedNow(maas: Maas): { url: string; keyring: string; wanted: Selection[] }[] {
  return bootSources(maas).map(({ id, url, keyringData, keyringFilename }) => ({
    url,
    keyring: keyringData || keyringFilename,
    wanted: structuredClone(selections(maas).filter(({ bootSourceId }) => bootSourceId === id)),
  }));
}

/** Fetches and checks content. Keeps only its metadata. Throws if size or sha256 are wrong. */
async function fetchContent(
  maas: Maas,
  { sha256, size, urls, files }: Download,
  signal: AbortSignal,
): Promise<void> {
  const put = (stored: number) => {
    for (const file of files) file.stored = stored;
  };
  const isHere = bootResources(maas).some(({ sets }) =>
    sets.some((set) => set.files.some((file) => file.sha256 === sha256 && isFileComplete(file))),
  );
  if (isHere) return put(size);
  let failure: unknown;
  for (const url of new Set(urls)) {
    if (maas.faults.diskFull) throw new Error("some region controllers don't have enough disk space");
    try {
      const verify = maas.version.verifiesImageHosts;
      const hash = createHash("sha256");
      let stored = 0;
      for await (const chunk of await open(url, { route: routeOf(maas), verify, signal })) {
        hash.update(chunk);
        stored += chunk.length;
        if (stored > size) break;
        // A file is not complete until it is checked.
        put(Math.min(stored, size - 1));
      }
      if (stored !== size || hash.digest("hex") !== sha256) throw new FetchError(`Wrong content at ${url}`);
      put(size);
      maas.store.save();
      return;
    } catch (error) {
      put(0);
      if (signal.aborted) throw error;
      failure = error;
    }
  }
  throw failure;
}

/**
 * After the first import of an LTS release, the newest one becomes the default for commissioning and
 * deployment.
 */
function setDefaultReleases(maas: Maas): void {
  const { config } = maas.store.state;
  const whole = new Set(
    bootResources(maas)
      .filter(latestComplete)
      .map(({ name }) => name),
  );
  const [best] = cachedImages(maas)
    .filter(
      ({ os, release, releaseTitle }) =>
        whole.has(`${os}/${release}`) && os === "ubuntu" && releaseTitle?.endsWith("LTS"),
    )
    .sort((left, right) => (right.supportEol ?? "").localeCompare(left.supportEol ?? ""));
  if (best === undefined) return;
  if (config.commissioning_distro_series === undefined) {
    config.commissioning_osystem = best.os;
    config.commissioning_distro_series = best.release;
  }
  if (config.default_distro_series === undefined) {
    config.default_osystem = best.os;
    config.default_distro_series = best.release;
  }
}
