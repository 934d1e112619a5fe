import { ExplainedError } from "../../errors/explained-error.ts";
import { digestOf } from "../../values/digest.ts";
import { shown } from "./json-document.ts";
import type { Product } from "./products.ts";
import type { StreamAges } from "./streams.ts";

/** A file of a plan, once for every product version that lists it. */
export interface PlanRow {
  /** Below the stream's root. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** Undefined for the stream's index and product files. */
  readonly product?: PlanProduct;
}

interface PlanProduct extends Pick<Product, "kind" | "os" | "release" | "architecture" | "kernel" | "name"> {
  readonly serial: string;
}

/** A release of an operating system for one architecture, with all its kernels; or a boot loader. */
export interface PlannedImage {
  readonly kind: Product["kind"];
  readonly os: string;
  readonly release: string;
  readonly architecture: string;
  /** The newest serial of all its kernels. */
  readonly serial: string;
  /** Its products with the mirrored versions, oldest first. */
  readonly products: Readonly<Record<string, readonly string[]>>;
  readonly kernels: readonly string[];
  /** Bytes; files that its kernels share count once. */
  readonly bytes: number;
}

/** The exact content of a mirror of images. */
export interface ImagePlan {
  /** SHA-256 of the plan's text. */
  readonly digest: string;
  readonly ages: StreamAges;
  readonly rows: readonly PlanRow[];
  /** Each path once, sorted, including the stream's index and product files. */
  readonly files: readonly PlanRow[];
  /** Sorted by kind (images first), os, release and architecture. */
  readonly images: readonly PlannedImage[];
  /** Bytes of all files; equal content counts once. */
  readonly bytes: number;
}

const title = "airgapped-maas image plan 1";

/**
 * The plan as text, deterministic: a title, `index DATE`, a line `products CONTENT-ID DATE` each, then sorted `sha256
 * size path`, followed by `kind os release architecture kernel product serial` for a product's file.
 */
export function planText({ ages, rows }: Pick<ImagePlan, "ages" | "rows">): string {
  return `${[...headsOf(ages), ...rows.map(lineOf)].join("\n")}\n`;
}

/**
 * Parses a text of `planText`.
 *
 * @throws ExplainedError for any other text.
 */
export function parsePlanText(text: string): ImagePlan {
  const [first, ...lines] = text.trimEnd().split("\n");
  if (first !== title) {
    throw new ExplainedError({
      step: "reading a mirror's plan",
      found: `it begins with ${JSON.stringify((first ?? "").slice(0, 60))} instead of ${JSON.stringify(title)}`,
      remedy:
        "It was made by another release of this project, or is damaged: update the mirror to create it again.",
    });
  }
  let index = "";
  const products = new Map<string, string>();
  const rows: PlanRow[] = [];
  for (const line of lines) {
    // A preview shows parts of it, and other characters could control a terminal.
    if (/[^\x20-\x7e]/.test(line)) throw damaged(line);
    const [word, name = "", date = ""] = line.split(" ");
    if (word === "index") index = name;
    else if (word === "products") products.set(name, date);
    else rows.push(rowFrom(line));
  }
  return summarise({ index, products: Object.fromEntries(products) }, rows);
}

/** Builds a plan from its rows, in any order. */
export function summarise(ages: StreamAges, given: readonly PlanRow[]): ImagePlan {
  const lines = new Map(given.map((row) => [lineOf(row), row]));
  const sorted = [...lines.keys()].sort();
  const rows = sorted.map((line) => lines.get(line) as PlanRow);
  const files = new Map(rows.map((row) => [row.path, row]));
  return {
    digest: digestOf(`${[...headsOf(ages), ...sorted].join("\n")}\n`),
    ages,
    rows,
    files: [...files.values()].sort((a, b) => compare(a.path, b.path)),
    images: imagesOf(rows),
    bytes: bytesOf(rows),
  };
}

/** Bytes of the given files; equal content counts once. */
export function bytesOf(rows: Iterable<PlanRow>): number {
  const sizes = new Map<string, number>();
  for (const { sha256, size } of rows) sizes.set(sha256, size);
  let total = 0;
  for (const size of sizes.values()) total += size;
  return total;
}

function headsOf({ index, products }: StreamAges): string[] {
  const lines = Object.entries(products).map(([contentId, date]) => `products ${contentId} ${date}`);
  return [title, `index ${index}`, ...lines.sort()];
}

function lineOf({ sha256, size, path, product }: PlanRow): string {
  const file = [sha256, size, path];
  if (!product) return file.join(" ");
  const { kind, os, release, architecture, kernel, name, serial } = product;
  return [...file, kind, os, release, architecture, kernel, name, serial].join(" ");
}

function rowFrom(line: string): PlanRow {
  const [sha256 = "", size = "", path = "", ...words] = line.split(" ");
  if (!/^[0-9a-f]{64}$/.test(sha256) || !/^\d{1,15}$/.test(size) || path === "") throw damaged(line);
  const file = { sha256, size: Number(size), path };
  if (words.length === 0) return file;
  const [kindText, os = "", release = "", architecture = "", kernel = "", name = "", serial = ""] = words;
  const kind = kinds.find((one) => one === kindText);
  if (!kind || words.length !== 7 || words.includes("")) throw damaged(line);
  return { ...file, product: { kind, os, release, architecture, kernel, name, serial } };
}

function damaged(line: string): ExplainedError {
  return new ExplainedError({
    step: "reading a mirror's plan",
    found: `a line of it is invalid: ${shown(line)}`,
    remedy: "It is damaged: update the mirror to create it again.",
  });
}

const kinds: readonly Product["kind"][] = ["image", "bootloader", "notifications"];

function imagesOf(rows: readonly PlanRow[]): PlannedImage[] {
  const groups = new Map<string, (PlanRow & { readonly product: PlanProduct })[]>();
  for (const row of rows) {
    if (!row.product) continue;
    const { kind, os, release, architecture } = row.product;
    const key = [kinds.indexOf(kind), os, release, architecture].join(" ");
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push({ ...row, product: row.product });
  }
  return [...groups]
    .sort(([a], [b]) => compare(a, b))
    .flatMap(([, group]) => {
      const [first] = group;
      if (!first) return [];
      const { kind, os, release, architecture } = first.product;
      const products = new Map<string, string[]>();
      for (const { product } of group) {
        const serials = products.get(product.name) ?? [];
        products.set(product.name, serials);
        if (!serials.includes(product.serial)) serials.push(product.serial);
      }
      for (const serials of products.values()) serials.sort();
      const serial = [...products.values()].flat().sort().at(-1) ?? "";
      const kernels = [...new Set(group.map(({ product }) => product.kernel))].sort();
      return [
        {
          kind,
          os,
          release,
          architecture,
          serial,
          products: Object.fromEntries([...products].sort(([a], [b]) => compare(a, b))),
          kernels,
          bytes: bytesOf(group),
        },
      ];
    });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
