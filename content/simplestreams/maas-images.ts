import type { MaasSelection } from "../../values/maas-selection.ts";
import { isLoaderOfMaas } from "./bootloaders.ts";
import type { HeldImage } from "./held-image.ts";
import { type LackingImage, lackingImageText } from "./not-held.ts";

/** Versions of images by their names in MAAS: `{"ubuntu/noble amd64/ga-24.04": "20261120"}`. */
export type ImageVersions = Readonly<Record<string, string>>;

/** One image of a stream, with the values that MAAS's filters use. */
export interface StreamImage {
  readonly os: string;
  /** For a boot loader its type, e.g. `uefi`. */
  readonly release: string;
  readonly architecture: string;
  /** Kernel with flavour: `ga-24.04-lowlatency`. */
  readonly kernel: string;
  /** The newest serial, which MAAS imports. */
  readonly serial: string;
}

/** A selection without labels, which are not used here. */
type Selected = Omit<MaasSelection, "labels">;

/** The images that a MAAS with these selections imports from a stream. */
export function imagesSelectedBy<Image extends StreamImage>(
  images: readonly Image[],
  selections: readonly Selected[],
): Image[] {
  return images.filter((image) => {
    if (isLoaderOfMaas(image)) return true;
    const { os, release, architecture, kernel } = image;
    return selections.some(
      (selection) =>
        selection.os === os &&
        selection.release === release &&
        has(selection.arches, architecture) &&
        has(selection.subarches, subarchOf(kernel)),
    );
  });
}

/** Versions by the names in MAAS. If two sources have the same image, MAAS uses the first one's. */
export function versionsOf(images: readonly StreamImage[]): Record<string, string> {
  const versions = new Map<string, string>();
  for (const { os, release, architecture, kernel, serial } of images) {
    const image = `${os}/${release} ${architecture}/${kernel}`;
    if (!versions.has(image)) versions.set(image, serial);
  }
  return Object.fromEntries([...versions].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The images of a mirror, from its output by `os/release/architecture`. */
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

/**
 * Why the mirror cannot serve a selection: its index lists all that upstream has, and MAAS requests that.
 *
 * @param lacking Images that the index lists and the mirror does not have.
 */
export function notServed(
  { os, release, arches, subarches }: Selected,
  held: readonly StreamImage[],
  lacking: readonly LackingImage[],
): string | undefined {
  const known = held.filter((image) => image.os === os && image.release === release);
  const mirrored = [...new Set(known.map(({ architecture }) => architecture))].sort();
  const remedy = "add it to the mirror's images, or remove it here";
  const missing = arches.filter((arch) => arch !== "*" && !mirrored.includes(arch));
  if (missing.length > 0 || mirrored.length === 0)
    return `the mirror has ${os}/${release} for ${mirrored.join(", ") || "no architecture"}, not for ${missing.join(", ") || "any"}: ${remedy}`;
  const others = lacking.filter((image) => image.os === os && image.release === release);
  const whole = others.filter(({ kernels }) => kernels === undefined);
  const texts = (images: readonly LackingImage[]) => images.map(lackingImageText).join(", ");
  if (arches.includes("*") && whole.length > 0)
    return `* also selects ${texts(whole)}, which the mirror does not have: list the architectures (${mirrored.join(", ")})`;
  const partly = others.filter(
    ({ architecture, kernels = [] }) =>
      mirrored.includes(architecture) &&
      has(arches, architecture) &&
      kernels.some((kernel) => has(subarches, subarchOf(kernel))),
  );
  if (partly.length > 0)
    return `${subarches.join(", ")} also selects ${texts(partly)}, which the mirror does not have: ${remedy}, or list other subarches`;
  return undefined;
}

function has(list: readonly string[], name: string): boolean {
  return list.includes("*") || list.includes(name);
}

/** MAAS selects kernels without their flavour. */
function subarchOf(kernel: string): string {
  return kernel.replace(/-lowlatency/, "");
}
