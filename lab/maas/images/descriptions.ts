import type { Selection } from "./boot-sources.ts";
import type { StreamItem } from "./stream.ts";

/*
 * The images that a stream offers, and the products of each: maasserver/import_images/download_descriptions.py.
 */

/** The fields that identify an image in MAAS. */
export interface ImageSpec {
  readonly os: string;
  readonly arch: string;
  readonly subarch: string;
  readonly kflavor: string;
  readonly release: string;
  readonly label: string;
}

/** An image that a stream offers. */
export interface Image extends ImageSpec {
  readonly item: StreamItem;
}

/** A selection, as a filter of images. */
export type Wanted = Pick<Selection, "os" | "release" | "arches" | "subarches" | "labels">;

const bootloaders: Readonly<Record<string, readonly string[]>> = {
  pxe: ["pxelinux/i386"],
  uefi: ["grub-efi-signed/amd64", "grub-efi/arm64"],
  "open-firmware": ["grub-ieee1275/ppc64el"],
};

/** Whether this release of MAAS supports a product. Others are skipped. */
export function isSupported({ product, fields }: StreamItem): boolean {
  const os = fields.os ?? "";
  const type = fields["bootloader-type"];
  const ubuntu = !os.toLowerCase().includes("ubuntu") || /:v([23]|3\+platform):/i.test(product);
  const bootloader =
    type === undefined || (/:1:/.test(product) && (bootloaders[type] ?? []).includes(`${os}/${fields.arch}`));
  return ubuntu && bootloader;
}

/** The images of a stream's items. Throws if an item has not the fields that every image has. */
export function imagesOf(items: readonly StreamItem[]): Image[] {
  const images = new Map<string, Image>();
  for (const item of items.filter(isSupported)) {
    const { fields } = item;
    const type = fields["bootloader-type"];
    const base = {
      os: fields.os ?? "ubuntu",
      arch: required(item, "arch"),
      kflavor: type === undefined ? (fields.kflavor ?? "generic") : "bootloader",
      release: type ?? required(item, "release"),
      label: required(item, "label"),
      item,
    };
    const put = (subarch: string, replaces: boolean) => {
      const image = { ...base, subarch };
      const name = nameOf(image);
      if (replaces || !images.has(name)) images.set(name, image);
    };
    for (const subarch of (fields.subarches ?? "generic").split(",")) put(subarch, false);
    // A kernel is listed for its own subarchitecture, although other kernels may run there too.
    const own = fields.subarch ?? "generic";
    put(own, true);
    if (base.os === "ubuntu" && [`ga-${fields.version}`, `hwe-${base.release[0]}`].includes(own)) {
      if (fields.subarches?.includes("generic")) put("generic", true);
    }
  }
  return [...images.values()];
}

/** Adds the selected images of a source to those of earlier sources. The first source takes precedence. */
export function mergeSelected(
  into: Map<string, Image>,
  images: readonly Image[],
  wanted: readonly Wanted[],
): void {
  for (const image of images) {
    const name = nameOf(image);
    if (passes(wanted, image) && !into.has(name)) into.set(name, image);
  }
}

/**
 * Whether a selection matches an image. Without any selection every image matches; an empty list matches
 * none.
 */
export function passes(wanted: readonly Wanted[], image: Omit<ImageSpec, "kflavor">): boolean {
  const one = (asked: string, value: string) => asked === "*" || asked === value;
  const any = (asked: readonly string[], value: string) => asked.includes("*") || asked.includes(value);
  return (
    wanted.length === 0 ||
    wanted.some(
      (selection) =>
        one(selection.os, image.os) &&
        one(selection.release, image.release) &&
        any(selection.arches, image.arch) &&
        any(selection.subarches, image.subarch) &&
        any(selection.labels, image.label),
    )
  );
}

/** Names a version of a product of a stream. An import stores a version completely or not at all. */
export function versionName({ contentId, product, version }: StreamItem): string {
  return `${contentId} ${product} ${version}`;
}

function nameOf({ os, arch, subarch, kflavor, release, label }: ImageSpec): string {
  return [os, arch, subarch, kflavor, release, label].join(" ");
}

function required({ product, fields }: StreamItem, name: string): string {
  const value = fields[name];
  if (value === undefined) throw new Error(`KeyError: '${name}' of product ${product}`);
  return value;
}
