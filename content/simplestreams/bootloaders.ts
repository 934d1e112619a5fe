import type { Product } from "./products.ts";

/** The boot loaders for network boot by architecture (MAAS, bootresources.py and boot/*.py). */
const loaders = new Map([
  [
    "amd64",
    [
      { os: "pxelinux", architecture: "i386", type: "pxe" },
      { os: "grub-efi-signed", architecture: "amd64", type: "uefi" },
    ],
  ],
  ["i386", [{ os: "pxelinux", architecture: "i386", type: "pxe" }]],
  ["arm64", [{ os: "grub-efi", architecture: "arm64", type: "uefi" }]],
  ["ppc64el", [{ os: "grub-ieee1275", architecture: "ppc64el", type: "open-firmware" }]],
]);

/**
 * The boot loaders that machines of the given architectures need and a stream lacks, e.g. `grub-efi-signed (uefi) for
 * amd64`. They do not matter if MAAS has them from another source.
 */
export function missingBootloaders(products: readonly Product[], architectures: Iterable<string>): string[] {
  return [...new Set(architectures)].flatMap((architecture) =>
    (loaders.get(architecture) ?? [])
      .filter(
        (loader) =>
          !products.some(
            ({ kind, os, release, architecture: of }) =>
              kind === "bootloader" &&
              os === loader.os &&
              release === loader.type &&
              of === loader.architecture,
          ),
      )
      .map(({ os, type }) => `${os} (${type}) for ${architecture}`),
  );
}

/**
 * Whether MAAS imports this boot loader, independent of selections; it ignores others (maasserver,
 * import_images/download_descriptions.py).
 *
 * @param image A boot loader: its type is the release.
 */
export function isLoaderOfMaas({
  os,
  release,
  architecture,
}: Pick<Product, "os" | "release" | "architecture">): boolean {
  return [...loaders.values()]
    .flat()
    .some((loader) => loader.os === os && loader.type === release && loader.architecture === architecture);
}
