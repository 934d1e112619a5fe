import type { ExplainedError } from "../../errors/explained-error.ts";
import { isSanePath } from "../paths.ts";
import { updatedOf } from "./index-file.ts";
import {
  isKey,
  isName,
  isObject,
  isWord,
  type JsonObject,
  jsonDocument,
  malformed,
  shown,
} from "./json-document.ts";

/** One file of a version of a product. */
export interface Item {
  /** e.g. `boot-kernel`, `squashfs`, `root-tgz`, `archive.tar.xz` */
  readonly ftype: string;
  /** Below the stream's root. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** One kernel of a release and architecture, or one archive of an operating system, or one boot loader. */
export interface Product {
  /** e.g. `com.ubuntu.maas.stable:v3:boot:24.04:amd64:ga-24.04` */
  readonly name: string;
  /** Content id of the file that lists it. */
  readonly contentId: string;
  /** The name of that file in errors. */
  readonly list: string;
  readonly kind: "image" | "bootloader" | "notifications";
  /** e.g. `ubuntu`, `centos`, `grub-efi-signed` */
  readonly os: string;
  /** MAAS's name: `noble`, `centos9-stream`; for a boot loader its type: `pxe`, `uefi`, `open-firmware`. */
  readonly release: string;
  readonly architecture: string;
  /** e.g. `24.04` */
  readonly version: string | undefined;
  /** The value that MAAS filters by: `ga-24.04`, `hwe-24.04`, `generic`. */
  readonly subarch: string;
  /** Kernel with flavour: `ga-24.04-lowlatency`. MAAS shows it after the architecture. */
  readonly kernel: string;
  /** Oldest first. MAAS imports only the last one. */
  readonly serials: readonly string[];
  /** Why it cannot be mirrored; undefined if it can, except for faults in its files. */
  readonly fault: Fault | undefined;
  /**
   * The files of a version, with `manifest` and any other listed file.
   *
   * @throws ExplainedError if one of them is invalid.
   */
  items(serial: string): readonly Item[];
}

/** A fault of a product. */
export interface Fault {
  /** The error if the product is selected. */
  refusal(): ExplainedError;
  /** e.g. `product "x": its label is missing` */
  readonly found: string;
  /** Whether MAAS, up to 3.7, refuses the whole stream because of it (import_images, KeyError). */
  readonly stopsMaas: boolean;
}

/** A product whose image is not known. It cannot be selected. */
interface OddProduct {
  /** The name; in a printable form if it is invalid. */
  readonly name: string;
  readonly list: string;
  readonly fault: Fault;
}

export interface ProductFile {
  readonly contentId: string;
  readonly updated: Date;
  readonly products: readonly Product[];
  readonly odd: readonly OddProduct[];
}

/** Maximum number of products of one file. Those of images.maas.io have some hundred. */
const maximumProducts = 100_000;

/**
 * Reads the text of a product file. Only the fields that say what a product is an image of are required. Other faults
 * of a product and of its files are reported only if it is selected, so that a faulty product that is not mirrored
 * causes no error. Unknown keys are ignored.
 *
 * Required fields and defaults are those of MAAS's reader (maasserver, import_images and bootresources.py).
 *
 * @param name The file's name in errors.
 */
export function parseProducts(text: string, name: string): ProductFile {
  const document = jsonDocument(text, name);
  if (document.format !== "products:1.0") {
    throw malformed(name, `its format is ${shown(document.format)}, not "products:1.0"`);
  }
  const { content_id: contentId, products: listed } = document;
  if (!isKey(contentId)) throw malformed(name, "it has no content_id");
  if (!isObject(listed)) throw malformed(name, "it has no products");
  const entries = Object.entries(listed);
  if (entries.length > maximumProducts) {
    throw malformed(name, `it has ${entries.length} products; the maximum is ${maximumProducts}`);
  }
  const products: Product[] = [];
  const odd: OddProduct[] = [];
  for (const [product, fields] of entries) {
    const read = productOf(contentId, product, fields, name);
    if ("kind" in read) products.push(read);
    else odd.push(read);
  }
  return { contentId, updated: updatedOf(document, name), products, odd };
}

const needed = new Set(["arch", "release", "bootloader-type", "label"]);

function productOf(contentId: string, product: string, fields: unknown, list: string): Product | OddProduct {
  const shownName = isKey(product) ? product : shown(product);
  const where = `product ${shown(product)}`;
  const faultOf = (text: string, stopsMaas = false): Fault => {
    const found = `${where}${text}`;
    return { found, stopsMaas, refusal: () => malformed(list, found) };
  };
  const oddOne = (fault: Fault): OddProduct => ({ name: shownName, list, fault });
  if (!isObject(fields)) return oddOne(faultOf(" is not an object"));
  const faultIn = (field: string) =>
    needed.has(field) && fields[field] === undefined
      ? faultOf(`: its ${field} is missing; MAAS would refuse the whole stream`, true)
      : faultOf(`: its ${field} is ${shown(fields[field])}, not a valid name`);
  const loader = fields["bootloader-type"] !== undefined;
  const releaseField = loader ? "bootloader-type" : "release";
  const { arch: architecture, os = "ubuntu", [releaseField]: release, subarch = "generic" } = fields;
  if (!isName(os)) return oddOne(faultIn("os"));
  if (!isName(release)) return oddOne(faultIn(releaseField));
  if (!isName(architecture)) return oddOne(faultIn("arch"));
  if (!isKey(product)) return oddOne(faultOf(" has no valid name"));
  const { versions } = fields;
  const fault = () => {
    if (!isName(fields.label)) return faultIn("label");
    if (!isName(subarch)) return faultIn("subarch");
    if (!isObject(versions)) return faultOf(": it has no versions");
    if (!Object.keys(versions).every(isName)) return faultOf(": a version has no valid name");
    return undefined;
  };
  return {
    name: product,
    contentId,
    list,
    kind: loader ? "bootloader" : release === "notifications" ? "notifications" : "image",
    os,
    release,
    architecture,
    version: isName(fields.version) ? fields.version : undefined,
    subarch: isName(subarch) ? subarch : "unknown",
    kernel: isName(subarch) ? kernelOf(subarch, fields.kflavor) : "unknown",
    // Sorted by characters, as in MAAS.
    serials: isObject(versions) ? Object.keys(versions).sort() : [],
    fault: fault(),
    items: (serial) =>
      itemsOf(
        isObject(versions) && Object.hasOwn(versions, serial) ? versions[serial] : undefined,
        list,
        `${where}, version ${shown(serial)}`,
      ),
  };
}

function kernelOf(subarch: string, flavor: unknown): string {
  if (!isName(flavor) || flavor === "generic" || subarch.endsWith(`-${flavor}`)) return subarch;
  return `${subarch}-${flavor}`;
}

function itemsOf(version: unknown, name: string, where: string): Item[] {
  const items = isObject(version) ? version.items : undefined;
  if (!isObject(items) || Object.keys(items).length === 0) throw malformed(name, `${where}: it has no items`);
  return Object.entries(items).map(([key, item]) => itemOf(item, name, `${where}, item ${shown(key)}`));
}

const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

function itemOf(item: unknown, name: string, where: string): Item {
  if (!isObject(item)) throw malformed(name, `${where} is not an object`);
  const { ftype, path, sha256 }: JsonObject = item;
  const wrong = (field: string, wanted: string) =>
    malformed(name, `${where}: its ${field} is ${shown(item[field])}, not ${wanted}`);
  if (!isWord(ftype)) throw wrong("ftype", "a file type");
  if (typeof path !== "string" || !isSanePath(path)) throw wrong("path", "a path below the stream's root");
  const size = sizeOf(item.size);
  if (size === undefined) throw wrong("size", "a number of bytes");
  if (typeof sha256 !== "string" || !/^[0-9a-fA-F]{64}$/.test(sha256))
    throw wrong("sha256", "64 hexadecimal digits");
  if ((size === 0) !== (sha256.toLowerCase() === nothing))
    throw malformed(name, `${where}: its size is ${size}, but its sha256 is not that of an empty file`);
  return { ftype, path, size, sha256: sha256.toLowerCase() };
}

/** Maximum size in bytes: every tool on a host handles numbers of this length exactly. */
const maximumSize = 999_999_999_999_999;

/**
 * MAAS and simplestreams also accept a number that is written as a text (bootresources.py, `int(product["size"])`).
 */
function sizeOf(size: unknown): number | undefined {
  const number = typeof size === "string" && /^[0-9]{1,15}$/.test(size) ? Number(size) : size;
  return typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= maximumSize
    ? number
    : undefined;
}
