import { basename } from "node:path/posix";
import type { Maas } from "../maas.ts";
import {
  addBootResource,
  type BootResource,
  bootResources,
  isComplete,
  isFileComplete,
  type ResourceFile,
} from "./boot-resources.ts";
import { removeRows, selections } from "./boot-sources.ts";
import { isSupported, passes } from "./descriptions.ts";
import type { StreamItem } from "./stream.ts";

/*
 * How items of a stream become images: maasserver/bootresources.py, `BootResourceStore` and `BootResourceRepoWriter`.
 */

const knownTypes = [
  "root-tgz",
  "root-tbz",
  "root-txz",
  "root-dd",
  "root-dd.tar",
  "root-dd.raw",
  "root-dd.bz2",
  "root-dd.gz",
  "root-dd.xz",
  "root-dd.tar.bz2",
  "root-dd.tar.xz",
  "root-image.gz",
  "squashfs",
  "boot-kernel",
  "boot-initrd",
  "boot-dtb",
  "archive.tar.xz",
];

/** Content to fetch, with every file that has this content. */
export interface Download {
  readonly sha256: string;
  readonly size: number;
  readonly urls: string[];
  readonly files: ResourceFile[];
}

/** The images of one import: those found in streams, and those not found again. */
export class SyncedProducts {
  readonly #maas: Maas;
  readonly #downloads = new Map<string, Download>();
  /** The existing images that were not found in streams so far. */
  readonly #left: Set<BootResource>;
  readonly #before: number;

  constructor(maas: Maas) {
    this.#maas = maas;
    this.#left = new Set(synced(maas));
    this.#before = this.#left.size;
  }

  get downloads(): readonly Download[] {
    return [...this.#downloads.values()];
  }

  /** Whether the import would only delete all images. */
  get isTotalLoss(): boolean {
    return this.#before > 0 && this.#left.size === this.#before && this.#downloads.size === 0;
  }

  /** Adds an item: its image, its version and its file, with the URL of the content. */
  insert(item: StreamItem, url: string): void {
    const { fields, siblings } = item;
    const ftype = fields.ftype ?? "";
    if (!knownTypes.includes(ftype) || !isSupported(item)) return;
    if (isNewerThan(this.#maas, fields.maas_supported ?? "")) return;
    if (ftype === "root-image.gz" && siblings.includes("squashfs")) return;
    const resource = this.#resourceOf(item);
    this.#left.delete(resource);
    let set = resource.sets.find(({ version }) => version === item.version);
    if (set === undefined) {
      set = { version: item.version, label: "", files: [] };
      resource.sets.push(set);
    }
    set.label = fields.label ?? "";
    const sha256 = fields.sha256;
    if (sha256 === undefined) throw new Error(`KeyError: 'sha256' of product ${item.product}`);
    const filename = basename(fields.path ?? "");
    let file = set.files.find((one) => one.filename === filename);
    if (file === undefined) {
      const id = this.#maas.store.nextId("bootResourceFiles");
      file = { id, filename, filetype: ftype, sha256, size: Number(fields.size), stored: 0 };
      set.files.push(file);
    }
    if (file.sha256 !== sha256) Object.assign(file, { sha256, stored: 0 });
    file.size = Number(fields.size);
    if (!isFileComplete(file)) this.#download(file, url);
  }

  #download(file: ResourceFile, url: string): void {
    const { sha256, size } = file;
    const download = this.#downloads.get(sha256) ?? { sha256, size, urls: [], files: [] };
    this.#downloads.set(sha256, download);
    download.urls.push(url);
    if (!download.files.includes(file)) download.files.push(file);
  }

  #resourceOf({ fields }: StreamItem): BootResource {
    const type = fields["bootloader-type"];
    const subarch = type === undefined ? subarchOf(fields) : "generic";
    const name = `${fields.os ?? "ubuntu"}/${type ?? fields.release}`;
    const architecture = `${fields.arch}/${subarch}`;
    const resource =
      synced(this.#maas).find((one) => one.name === name && one.architecture === architecture) ??
      addBootResource(this.#maas, { type: "Synced", name, architecture, bootloaderType: type });
    const kept = ["subarches", "platform", "supported_platforms"].filter((key) => fields[key] !== undefined);
    resource.extra = Object.fromEntries(kept.map((key) => [key, fields[key] ?? ""]));
    if (fields.os_title !== undefined && fields.release_title !== undefined) {
      resource.extra.title = `${fields.os_title} ${fields.release_title}`;
    }
    return resource;
  }

  /**
   * Deletes the images that streams no longer have, except those still selected and the last of their kind.
   */
  removeLeft(): void {
    const wanted = selections(this.#maas);
    const remaining = synced(this.#maas).filter((resource) => !this.#left.has(resource));
    const gone = [...this.#left].filter((resource) => {
      const [os = "", release = ""] = resource.name.split("/");
      const [arch = "", subarch = ""] = resource.architecture.split("/");
      const label = resource.sets.at(-1)?.label ?? "";
      const selected = passes(wanted, { os, release, arch, subarch, label });
      const hasOthers = remaining.some(
        (other) => other.name === resource.name && other.architecture.startsWith(arch),
      );
      return resource.sets.length === 0 || !selected || hasOthers;
    });
    removeRows(bootResources(this.#maas), (row) => gone.includes(row));
  }

  /** Deletes all versions of each image except the newest complete one. */
  removeOldSets(): void {
    for (const resource of synced(this.#maas)) {
      const newest = resource.sets.findLast(isComplete);
      resource.sets = newest === undefined ? [] : [newest];
    }
    removeRows(bootResources(this.#maas), (row) => row.type === "Synced" && row.sets.length === 0);
  }
}

function synced(maas: Maas): BootResource[] {
  return bootResources(maas).filter(({ type }) => type === "Synced");
}

/** Whether an item requires a later MAAS, e.g. `3.9`. */
function isNewerThan(maas: Maas, asked: string): boolean {
  const [major = 0, minor = 0] = asked.split(".").map(Number);
  const [ourMajor = 0, ourMinor = 0] = maas.version.name.split(".").map(Number);
  return major > ourMajor || (major === ourMajor && minor > ourMinor);
}

/** The subarchitecture by which racks identify an image. It has the kernel's flavour. */
function subarchOf({ subarch = "generic", kflavor = "generic" }: Readonly<Record<string, string>>): string {
  const named = subarch.includes("hwe-") || subarch.includes("ga-");
  if (kflavor === "generic" || !named || subarch.includes(kflavor)) return subarch;
  const edge = /^(.*)-edge$/.exec(subarch);
  return edge === null ? `${subarch}-${kflavor}` : `${edge[1]}-${kflavor}-edge`;
}
