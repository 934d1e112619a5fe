import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { ExplainedError } from "../../errors/explained-error.ts";
import { earlyYesterday } from "../archive/launchpad-date.ts";
import { archiveKey } from "../archive/openpgp-key.ts";
import { locked } from "../lock.ts";
import type { LabPaths } from "../paths.ts";
import { nextStamp, prunePublications, replaceFile, switchLink } from "../publications.ts";
import { chosenProducts, type ImageChoice } from "./choice.ts";
import { ubuntuImages } from "./image-sets.ts";
import { type ImageProduct, type ProductList, streamsDirectory, writeImageStream } from "./stream.ts";

/** All data that is needed to publish the stream of a lab again. */
interface Catalogue {
  /** Of the newest good publication. */
  readonly publication: number;
  /** Its date, in milliseconds. */
  readonly date: number;
  /** The latest day used in a serial, e.g. `20260210`. The day of a withdrawn serial is not used again. */
  readonly newestDay: string;
  /** The serials of each product, oldest first. A product without serials is not in the stream. */
  readonly serials: Readonly<Record<string, readonly string[]>>;
}

const everyProduct: readonly ImageProduct[] = ubuntuImages.flatMap(({ products }) => products);

/** Copies the first stream to the directory that a lab's `upstream` serves. */
export async function prepareImages(paths: LabPaths): Promise<void> {
  rmSync(paths.images, { recursive: true, force: true });
  mkdirSync(join(paths.images, "ephemeral-v3"), { recursive: true });
  await publishCatalogue(paths.images, {
    publication: 0,
    date: earlyYesterday().getTime(),
    newestDay: firstNewestDay(),
    serials: firstSerials(),
  });
}

/**
 * Publishes a new serial of products. Returns its day. The day is the complete serial of Ubuntu's products; other
 * serials have a suffix, e.g. `20260211_01`. Default: the day after the latest day that was ever used.
 */
export async function publishSerial(paths: LabPaths, choice: ImageChoice, serial?: string): Promise<string> {
  const products = chosenProducts(everyProduct, choice);
  let day = serial?.slice(0, 8) ?? "";
  await changeImages(paths, (catalogue) => {
    if (serial === undefined) day = dayAfter(catalogue.newestDay);
    const serials = { ...catalogue.serials };
    for (const product of products) {
      const added = serial ?? `${day}${product.serials.at(-1)?.slice(8) ?? ""}`;
      const before = serials[product.name] ?? [];
      if (!/^\d{8}/.test(added) || before.includes(added)) throw unusable(product, added, before);
      serials[product.name] = [...before, added].sort();
    }
    return { ...catalogue, serials, newestDay: latest([catalogue.newestDay, day]) };
  });
  return day;
}

/** Withdraws a serial of products, by default the newest of each. A product without serials is removed. */
export async function withdrawSerial(paths: LabPaths, choice: ImageChoice, serial?: string): Promise<void> {
  const products = chosenProducts(everyProduct, choice);
  await changeImages(paths, (catalogue) => {
    const serials = { ...catalogue.serials };
    const withdrawn = products.filter(({ name }) => {
      const before = serials[name] ?? [];
      const last = serial ?? before.at(-1);
      serials[name] = before.filter((each) => each !== last);
      return serials[name].length < before.length;
    });
    const [first] = products;
    if (withdrawn.length === 0 && first !== undefined) {
      throw unusable(first, serial ?? "", catalogue.serials[first.name] ?? []);
    }
    return { ...catalogue, serials };
  });
}

function unusable(product: ImageProduct, serial: string, have: readonly string[]): ExplainedError {
  return new ExplainedError({
    step: "changing the lab's images",
    found: `the serial ${JSON.stringify(serial)}; ${product.name} has ${have.join(" ") || "none"}`,
    remedy:
      "To publish, use a new serial that begins with a day, such as 20260210. To withdraw, use an existing serial.",
  });
}

/** Publishes the first content of the stream again. */
export async function publishFirstImages(paths: LabPaths): Promise<void> {
  await changeImages(paths, (catalogue) => ({ ...catalogue, serials: firstSerials() }));
}

/** Serves the newest good publication again. */
export function serveNewestImages(images: string): void {
  const { publication, directory } = newestImages(images);
  stampFiles(images, directory, "new ones with lists");
  serveImages(images, String(publication));
}

/** Serves this publication as `/ephemeral-v3/stable` of images.maas.io, by an atomic switch. */
export function serveImages(images: string, publication: string): void {
  switchLink(join(images, "ephemeral-v3", "stable"), join("..", "publications", publication));
}

/** The newest good publication: its number, its directory, and its products with their serials. */
export function newestImages(images: string): {
  readonly publication: number;
  readonly directory: string;
  readonly products: readonly ImageProduct[];
} {
  const catalogue = readCatalogue(images);
  return {
    publication: catalogue.publication,
    directory: publicationDirectory(images, catalogue.publication),
    products: listsOf(catalogue).flatMap(({ products }) => products),
  };
}

/** The directory of a publication. Bad publications have names, not numbers. */
export function publicationDirectory(images: string, publication: number | string): string {
  return join(images, "publications", String(publication));
}

/**
 * Sets a modification time that no earlier file had. The new time applies to the files that no other publication has,
 * so a client can distinguish them from files of the same name and size. With `new ones with lists` it applies to
 * all files in `streams/v1` too: what was served before may be newer, and a client with If-Modified-Since would not
 * fetch an older file.
 */
export function stampFiles(
  images: string,
  directory: string,
  which: "new ones" | "new ones with lists",
): void {
  const stamp = nextStamp(join(images, "stamp"));
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const listed = which === "new ones with lists" && entry.parentPath === join(directory, streamsDirectory);
    if (listed || statSync(file).nlink === 1) utimesSync(file, stamp, stamp);
  }
}

async function changeImages(paths: LabPaths, change: (before: Catalogue) => Catalogue): Promise<void> {
  await locked(join(paths.directory, "images.lock"), async () => {
    const before = readCatalogue(paths.images);
    // A publication is at least one second later than the previous one, because its date has a resolution of
    // one second.
    const now = Date.now() - (Date.now() % 1000);
    const publication = before.publication + 1;
    await publishCatalogue(paths.images, {
      ...change(before),
      publication,
      date: Math.max(now, before.date + 1000),
    });
    prunePublications(join(paths.images, "publications"), publication);
  });
}

async function publishCatalogue(images: string, catalogue: Catalogue): Promise<void> {
  const directory = publicationDirectory(images, catalogue.publication);
  const previous = publicationDirectory(images, catalogue.publication - 1);
  rmSync(directory, { recursive: true, force: true });
  await writeImageStream(directory, {
    lists: listsOf(catalogue),
    key: await archiveKey("images"),
    updated: new Date(catalogue.date),
    previous: existsSync(previous) ? previous : undefined,
  });
  stampFiles(images, directory, "new ones");
  replaceFile(join(images, "catalogue.json"), JSON.stringify(catalogue));
  serveImages(images, String(catalogue.publication));
}

function listsOf(catalogue: Catalogue): ProductList[] {
  return ubuntuImages.map(({ contentId, products }) => ({
    contentId,
    products: products.flatMap((product) => {
      const serials = catalogue.serials[product.name] ?? [];
      return serials.length === 0 ? [] : [{ ...product, serials }];
    }),
  }));
}

function firstSerials(): Record<string, readonly string[]> {
  return Object.fromEntries(everyProduct.map(({ name, serials }) => [name, serials]));
}

function firstNewestDay(): string {
  const days = everyProduct.flatMap(({ serials }) => serials.map((serial) => serial.slice(0, 8)));
  return latest(days);
}

function latest(days: readonly string[]): string {
  return [...days].sort().at(-1) ?? "";
}

function dayAfter(day: string): string {
  const date = new Date(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}T00:00:00Z`);
  return new Date(date.getTime() + 86_400_000).toISOString().slice(0, 10).replaceAll("-", "");
}

function readCatalogue(images: string): Catalogue {
  return JSON.parse(readFileSync(join(images, "catalogue.json"), "utf8")) as Catalogue;
}
