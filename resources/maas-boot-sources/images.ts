import type { HeldImage } from "../image-tree.ts";

/** Versions of images by what MAAS calls them: `{"ubuntu/noble amd64/ga-24.04": "20261120"}`. */
export type ImageVersions = Readonly<Record<string, string>>;

/** One image of a stream, as far as MAAS's filters look at it. */
export interface StreamImage {
  readonly os: string;
  /** Of a boot loader its type, e.g. `uefi`. */
  readonly release: string;
  readonly architecture: string;
  /** With the flavour: `ga-24.04-lowlatency`. */
  readonly kernel: string;
  /** The newest, which is the one that MAAS imports. */
  readonly serial: string;
}

interface Selection {
  readonly os: string;
  readonly release: string;
  readonly arches: readonly string[];
  readonly subarches: readonly string[];
}

/** Boot loaders that MAAS knows, and takes whatever is selected (maasserver, import_images/download_descriptions.py). */
const bootloaders = [
  "pxelinux/pxe/i386",
  "grub-efi-signed/uefi/amd64",
  "grub-efi/uefi/arm64",
  "grub-ieee1275/open-firmware/ppc64el",
];

/** What a MAAS with these selections takes from a stream. */
export function takenImages<Image extends StreamImage>(
  images: readonly Image[],
  selections: readonly Selection[],
): Image[] {
  return images.filter(({ os, release, architecture, kernel }) => {
    if (bootloaders.includes(`${os}/${release}/${architecture}`)) return true;
    return selections.some(
      (selection) =>
        selection.os === os &&
        selection.release === release &&
        has(selection.arches, architecture) &&
        has(selection.subarches, subarchOf(kernel)),
    );
  });
}

/** By the names that MAAS gives them; of two sources with the same image, MAAS takes the first one's. */
export function versionsOf(images: readonly StreamImage[]): Record<string, string> {
  const versions: Record<string, string> = {};
  for (const { os, release, architecture, kernel, serial } of images) {
    versions[`${os}/${release} ${architecture}/${kernel}`] ??= serial;
  }
  return Object.fromEntries(Object.entries(versions).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The images of a mirror, from what it says that it holds by `os/release/architecture`. */
export function imagesHeld(held: Readonly<Record<string, HeldImage>>): StreamImage[] {
  return Object.entries(held).flatMap(([name, { products }]) => {
    const [os = "", release = "", architecture = ""] = name.split("/");
    return Object.entries(products).map(([product, serials]) => ({
      os,
      release,
      architecture,
      // `com.ubuntu.maas.stable:v3:boot:24.04:amd64:ga-24.04`; products of other systems have no kernel.
      kernel: /:v\d[^:]*:boot:/.test(product) ? (product.split(":").at(-1) ?? "") : "generic",
      serial: serials.at(-1) ?? "",
    }));
  });
}

function has(list: readonly string[], name: string): boolean {
  return list.includes("*") || list.includes(name);
}

/** MAAS selects kernels without their flavour. */
function subarchOf(kernel: string): string {
  return kernel.replace(/-lowlatency/, "");
}
