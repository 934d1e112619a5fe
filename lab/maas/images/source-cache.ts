import { readFileSync } from "node:fs";
import type { Maas } from "../maas.ts";
import { type BootSource, bootSources, removeRows, selections } from "./boot-sources.ts";
import { type ImageSpec, imagesOf } from "./descriptions.ts";
import { FetchError } from "./fetch.ts";
import { routeOf } from "./route.ts";
import { MissingSignature } from "./signature.ts";
import { newestItems, type ProductList, readLists, type StreamSource } from "./stream.ts";
import { requireStrict } from "./strict-products.ts";

/** An image that a boot source offered at the last fetch. Selections are checked against it. */
interface CachedImage extends ImageSpec {
  readonly bootSourceId: number;
  readonly bootloaderType: string | undefined;
  readonly releaseTitle: string | undefined;
  readonly supportEol: string | undefined;
}

/** The ident of the notification about failed fetches. */
const importerNotification = "Image importer";

export function cachedImages(maas: Maas): CachedImage[] {
  return maas.store.table<CachedImage>("bootSourceCache");
}

/** The sources of images, in order of precedence. */
export function activeSources(maas: Maas): BootSource[] {
  if (!maas.version.namedSources) return [...bootSources(maas)];
  return bootSources(maas)
    .filter(({ enabled }) => enabled)
    .sort((left, right) => right.priority - left.priority);
}

/** A source with its keyring. Throws if the file is missing, even if the source is unsigned (`.json`). */
export function withKeyring(source: BootSource): StreamSource {
  const { url, keyringData, keyringFilename, skipKeyringVerification } = source;
  const unchecked = skipKeyringVerification;
  if (keyringData !== "") return { url, keyring: Buffer.from(keyringData, "base64"), unchecked };
  if (keyringFilename === "") return { url, keyring: Buffer.alloc(0), unchecked };
  return { url, keyring: readFileSync(keyringFilename), unchecked };
}

/** Reads the lists of a source as this release does. */
export async function listsOf(maas: Maas, source: StreamSource): Promise<ProductList[]> {
  const lists = await readLists(
    { ...source, unchecked: maas.version.namedSources && source.unchecked === true },
    routeOf(maas),
  );
  if (maas.version.namedSources) lists.forEach(requireStrict);
  return lists;
}

/**
 * Fetches the images of all sources. A source that cannot be reached causes a notification and keeps its cached images.
 * Before 3.8 it throws on any other error: later sources and the notification are then unchanged, and no user is
 * notified.
 */
export async function refreshCache(maas: Maas): Promise<void> {
  const errors: string[] = [];
  const lenient = maas.version.namedSources;
  const sources = activeSources(maas).map((source) => ({
    source,
    url: source.url,
    read: reader(source, lenient),
  }));
  for (const { source, url, read } of sources) {
    try {
      const lists = await listsOf(maas, read());
      const images = imagesOf(lists.flatMap(newestItems));
      // The source may have been changed or deleted during the fetch.
      if (!bootSources(maas).includes(source) || source.url !== url) continue;
      const cache = cachedImages(maas);
      removeRows(cache, (row) => row.bootSourceId === source.id);
      cache.push(
        ...images.map(({ item, ...spec }) => ({
          ...spec,
          bootSourceId: source.id,
          bootloaderType: item.fields["bootloader-type"],
          releaseTitle: item.fields.release_title,
          supportEol: item.fields.support_eol,
        })),
      );
    } catch (error) {
      const message = failureText(maas, source, error as Error);
      if (message === undefined) throw error;
      errors.push(message);
    }
  }
  notifyOfCommissioning(maas);
  if (errors.length > 0) maas.notify(importerNotification, "error", errors.map(escapeHtml).join("<br>"));
  else maas.unnotify(importerNotification);
  maas.store.save();
}

/** The notification about a source that could not be fetched, or undefined if there is none. */
function failureText(maas: Maas, { url }: BootSource, error: Error): string | undefined {
  if (error instanceof MissingSignature) {
    const { proxy } = routeOf(maas);
    const via = proxy === undefined ? "" : ` via your external proxy (${proxy})`;
    return `Failed to import images from ${url} (${error.message}). Verify network connectivity${via} and try again.`;
  }
  const told = maas.version.namedSources || error instanceof FetchError;
  return told ? `Failed to import images from ${url}: ${error.message}` : undefined;
}

/** Up to 3.7 all keyrings are read before the first fetch. */
function reader(source: BootSource, later: boolean): () => StreamSource {
  if (later) return () => withKeyring(source);
  const read = withKeyring(source);
  return () => read;
}

/** Only once: an existing notification is not changed and not removed. */
function notifyOfCommissioning(maas: Maas): void {
  const { config, notifications } = maas.store.state;
  const isNotified = (ident: string) => notifications.some((one) => one.ident === ident);
  const os = config.commissioning_osystem ?? "ubuntu";
  const release = config.commissioning_distro_series ?? maas.version.commissioningSeries;
  const is = (row: { os: string; release: string }) => row.os === os && row.release === release;
  const says = `${os} ${release} is configured as the commissioning release but it is`;
  if (!selections(maas).some(is) && !isNotified("commissioning_series_unselected")) {
    maas.notify("commissioning_series_unselected", "error", `${says} not selected for download!`);
  }
  if (!cachedImages(maas).some(is) && !isNotified("commissioning_series_unavailable")) {
    maas.notify(
      "commissioning_series_unavailable",
      "error",
      `${says} unavailable in the configured streams!`,
    );
  }
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#x27;");
}
