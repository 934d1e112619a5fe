import type { UpstreamImages } from "./upstream-images.ts";

/** What `node lab/main.ts images` can do. */
export const imagesUsage = `  images list                                      the products of images.maas.io and their serials
  images publish [--release R] [--arch A] [--os O] [--serial S]
                                                   publish a new serial, by default of all products and named after
                                                   the next day
  images withdraw [the same]                       take a serial out, by default the newest
  images tamper KIND [the same] [--item I] [--path REGEX]
                                                   make images.maas.io bad; no KIND lists the kinds. The file that is
                                                   hit is I, by default the squashfs, of the newest version of what is
                                                   chosen, by default noble's for amd64`;

interface ImagesOptions {
  readonly os?: string | undefined;
  readonly release?: string | undefined;
  readonly arch?: string | undefined;
  readonly serial?: string | undefined;
  readonly item?: string | undefined;
  readonly path?: string | undefined;
}

/** Carries one of them out, and returns what to print. Undefined where there is no such thing. */
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
