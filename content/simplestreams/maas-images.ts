import type { MaasSelection } from "../../values/maas-selection.ts";
import { isLoaderOfMaas } from "./bootloaders.ts";
import type { HeldImage } from "./held-image.ts";

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

/** A selection as far as it is looked at here: labels are not. */
type Selected = Omit<MaasSelection, "labels">;

/** What a MAAS with these selections takes from a stream. */
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

/** By the names that MAAS gives them; of two sources with the same image, MAAS takes the first one's. */
export function versionsOf(images: readonly StreamImage[]): Record<string, string> {
  const versions = new Map<string, string>();
  for (const { os, release, architecture, kernel, serial } of images) {
    const image = `${os}/${release} ${architecture}/${kernel}`;
    if (!versions.has(image)) versions.set(image, serial);
  }
  return Object.fromEntries([...versions].sort(([one], [other]) => (one < other ? -1 : 1)));
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

/**
 * What the mirror cannot serve of a selection: its index offers all that upstream has, and MAAS asks for it.
 *
 * @param lacking images that the index offers and the mirror does not hold, as ImageMirror names them
 */
export function notServed(
  { os, release, arches, subarches }: Selected,
  held: readonly StreamImage[],
  lacking: readonly string[],
): string | undefined {
  const known = held.filter((image) => image.os === os && image.release === release);
  const there = [...new Set(known.map(({ architecture }) => architecture))].sort();
  const remedy = "add it to the mirror's images, or take it out here";
  const missing = arches.filter((arch) => arch !== "*" && !there.includes(arch));
  if (missing.length > 0 || there.length === 0)
    return `the mirror holds ${os}/${release} for ${there.join(", ") || "no architecture"}, not for ${missing.join(", ") || "any"}: ${remedy}`;
  const others = lacking.filter((image) => image.startsWith(`${os} ${release} `));
  const whole = others.filter((image) => !image.endsWith(")"));
  if (arches.includes("*") && whole.length > 0)
    return `* also selects ${whole.join(", ")}, which the mirror does not hold: name the architectures (${there.join(", ")})`;
  const kernelsOf = (image: string) => image.replace(/^.*\(|\)$/g, "").split(", ");
  const partly = others.filter((image) =>
    there.some(
      (arch) =>
        image.startsWith(`${os} ${release} ${arch} (`) &&
        has(arches, arch) &&
        kernelsOf(image).some((kernel) => has(subarches, subarchOf(kernel))),
    ),
  );
  if (partly.length > 0)
    return `${subarches.join(", ")} also selects ${partly.join(", ")}, which the mirror does not hold: ${remedy}, or name other subarches`;
  return undefined;
}

function has(list: readonly string[], name: string): boolean {
  return list.includes("*") || list.includes(name);
}

/** MAAS selects kernels without their flavour. */
function subarchOf(kernel: string): string {
  return kernel.replace(/-lowlatency/, "");
}
