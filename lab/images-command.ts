import type { UpstreamImages } from "./upstream-images.ts";

/** The usage text of `node lab/main.ts images`. */
export const imagesUsage = `  images list                                      the products of images.maas.io and their serials
  images publish [--release R] [--arch A] [--os O] [--serial S]
                                                   publish a new serial, by default of all products, with the next
                                                   day as its name
  images withdraw [the same]                       remove a serial, by default the newest
  images tamper KIND [the same] [--item I] [--path REGEX]
                                                   damage images.maas.io; without KIND, list the kinds. The damaged
                                                   file is I (default: squashfs) of the newest version of the
                                                   selected images (default: noble for amd64)`;

interface ImagesOptions {
  readonly os?: string | undefined;
  readonly release?: string | undefined;
  readonly arch?: string | undefined;
  readonly serial?: string | undefined;
  readonly item?: string | undefined;
  readonly path?: string | undefined;
}

/** Runs one of these commands and returns what to print, or undefined if the command is unknown. */
export async function imagesCommand(
  images: UpstreamImages,
  [what, kind = ""]: readonly string[],
  { os, release, arch, serial, item, path }: ImagesOptions,
): Promise<string | undefined> {
  const choice = { os, release, arch };
  switch (what) {
    case "list":
      return Object.entries(images.serials(choice))
        .map(([name, serials]) => `${name.padEnd(64)} ${serials.join(" ")}`)
        .join("\n");
    case "publish":
      return `published ${await images.publishSerial({ ...choice, serial })}`;
    case "withdraw":
      await images.withdrawSerial({ ...choice, serial });
      return "withdrawn";
    case "tamper":
      return `tampered with ${await images.tamper(kind, { ...choice, item, ...(path === undefined ? {} : { path }) })}`;
    default:
      return undefined;
  }
}
