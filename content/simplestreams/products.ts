import { isSanePath } from "../sane-path.ts";
import { updatedOf } from "./index-file.ts";
import { isObject, isWord, type JsonObject, jsonDocument, malformed } from "./json-document.ts";

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
  /** Of the file that lists it. */
  readonly contentId: string;
  readonly kind: "image" | "bootloader" | "notifications";
  /** e.g. `ubuntu`, `centos`, `grub-efi-signed` */
  readonly os: string;
  /** MAAS's name: `noble`, `centos9-stream`; of a boot loader its type: `pxe`, `uefi`, `open-firmware`. */
  readonly release: string;
  readonly architecture: string;
  readonly label: string;
  /** e.g. `24.04` */
  readonly version: string | undefined;
  /** What MAAS filters by: `ga-24.04`, `hwe-24.04`, `generic`. */
  readonly subarch: string;
  /** With the flavour: `ga-24.04-lowlatency`. As MAAS shows it behind the architecture. */
  readonly kernel: string;
  /** Oldest first. MAAS imports the last one only. */
  readonly serials: readonly string[];
  /**
   * The files of a version, `manifest` and whatever else it lists too.
   *
   * @throws ExplainedError when one of them is not sane.
   */
  items(serial: string): readonly Item[];
}

export interface ProductFile {
  readonly contentId: string;
  readonly updated: Date;
  readonly products: readonly Product[];
}

/**
 * Reads the text of a product file. What MAAS needs of every product must be there; the files of a version are
 * checked when they are asked for, so that an odd product that nobody mirrors stops nothing.
 * Unknown keys are left alone.
 *
 * Required fields and defaults are those of MAAS's own reading (maasserver, import_images and bootresources.py).
 *
 * @param name What the file is called in errors.
 */
export function parseProducts(text: string, name: string): ProductFile {
  const document = jsonDocument(text, name);
  if (document.format !== "products:1.0") {
    throw malformed(name, `its format is ${JSON.stringify(document.format)}, not "products:1.0"`);
  }
  const { content_id: contentId, products } = document;
  if (!isWord(contentId)) throw malformed(name, "it has no content_id");
  if (!isObject(products)) throw malformed(name, "it has no products");
  return {
    contentId,
    updated: updatedOf(document, name),
    products: Object.entries(products).map(([product, fields]) =>
      productOf(contentId, product, fields, name),
    ),
  };
}

function productOf(contentId: string, product: string, fields: unknown, name: string): Product {
  const where = `product ${JSON.stringify(product)}`;
  if (!isWord(product)) throw malformed(name, `${where} has no proper name`);
  if (!isObject(fields)) throw malformed(name, `${where} is not an object`);
  const word = (field: string, otherwise?: string): string => {
    const value = fields[field] ?? otherwise;
    if (isWord(value)) return value;
    throw malformed(
      name,
      `${where}: its ${field} is ${JSON.stringify(fields[field]) ?? "missing"}; MAAS would refuse the whole stream`,
    );
  };
  const loader = fields["bootloader-type"] !== undefined;
  const release = word(loader ? "bootloader-type" : "release");
  const subarch = word("subarch", "generic");
  const { versions } = fields;
  if (!isObject(versions)) throw malformed(name, `${where}: it has no versions`);
  if (!Object.keys(versions).every(isWord)) throw malformed(name, `${where}: a version has no proper name`);
  return {
    name: product,
    contentId,
    kind: loader ? "bootloader" : release === "notifications" ? "notifications" : "image",
    os: word("os", "ubuntu"),
    release,
    architecture: word("arch"),
    label: word("label"),
    version: typeof fields.version === "string" ? fields.version : undefined,
    subarch,
    kernel: kernelOf(subarch, fields.kflavor),
    // As MAAS sorts them: by their characters.
    serials: Object.keys(versions).sort(),
    items: (serial) => itemsOf(versions[serial], name, `${where}, version ${JSON.stringify(serial)}`),
  };
}

function kernelOf(subarch: string, flavor: unknown): string {
  if (!isWord(flavor) || flavor === "generic" || subarch.endsWith(`-${flavor}`)) return subarch;
  return `${subarch}-${flavor}`;
}

function itemsOf(version: unknown, name: string, where: string): Item[] {
  const items = isObject(version) ? version.items : undefined;
  if (!isObject(items) || Object.keys(items).length === 0) throw malformed(name, `${where}: it has no items`);
  return Object.entries(items).map(([key, item]) =>
    itemOf(item, name, `${where}, item ${JSON.stringify(key)}`),
  );
}

function itemOf(item: unknown, name: string, where: string): Item {
  if (!isObject(item)) throw malformed(name, `${where} is not an object`);
  const { ftype, path, size, sha256 }: JsonObject = item;
  const wrong = (field: string, wanted: string) =>
    malformed(
      name,
      `${where}: its ${field} is ${JSON.stringify(item[field])?.slice(0, 120) ?? "missing"}, not ${wanted}`,
    );
  if (!isWord(ftype)) throw wrong("ftype", "a kind of file");
  if (typeof path !== "string" || !isSanePath(path)) throw wrong("path", "a path below the stream's root");
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    throw wrong("size", "a number of bytes");
  if (typeof sha256 !== "string" || !/^[0-9a-fA-F]{64}$/.test(sha256))
    throw wrong("sha256", "64 hexadecimal digits");
  return { ftype, path, size, sha256: sha256.toLowerCase() };
}
