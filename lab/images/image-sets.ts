import {
  archiveProduct,
  bootloaderProduct,
  type UbuntuKernel,
  type UbuntuRelease,
  ubuntuProduct,
} from "./products.ts";
import type { ImageProduct, ProductList } from "./stream.ts";

const noble: UbuntuRelease = {
  release: "noble",
  version: "24.04",
  codename: "Noble Numbat",
  title: "24.04 LTS",
  supportEnd: "2029-05-31",
  extendedSupportEnd: "2034-04-25",
};
const jammy: UbuntuRelease = {
  release: "jammy",
  version: "22.04",
  codename: "Jammy Jellyfish",
  title: "22.04 LTS",
  supportEnd: "2027-06-01",
  extendedSupportEnd: "2032-04-09",
};

const nobleGa: UbuntuKernel = { subarch: "ga-24.04", flavor: "generic", package: "linux-generic" };
const nobleGaLowlatency: UbuntuKernel = {
  subarch: "ga-24.04",
  flavor: "lowlatency",
  package: "linux-image-lowlatency",
};
const nobleHwe: UbuntuKernel = {
  subarch: "hwe-24.04",
  flavor: "generic",
  package: "linux-generic-hwe-24.04",
};
const jammyGa: UbuntuKernel = { subarch: "ga-22.04", flavor: "generic", package: "linux-generic" };
const jammyHwe: UbuntuKernel = {
  subarch: "hwe-22.04",
  flavor: "generic",
  package: "linux-generic-hwe-22.04",
};

const bootloaders: ProductList = {
  contentId: "com.ubuntu.maas:stable:1:bootloader-download",
  products: [
    bootloaderProduct({
      os: "grub-efi-signed",
      type: "uefi",
      arch: "amd64",
      arches: "amd64",
      serials: ["20210819.0", "20221029.0"],
      sources: { "grub2-signed": "1.173.2~20.04.1+2.04-1ubuntu47.4", "shim-signed": "1.40.7+15.4-0ubuntu9" },
    }),
    bootloaderProduct({
      os: "grub-efi",
      type: "uefi",
      arch: "arm64",
      arches: "arm64",
      serials: ["20210819.0", "20221029.0"],
      sources: { grub2: "2.04-1ubuntu47.4" },
    }),
    bootloaderProduct({
      os: "pxelinux",
      type: "pxe",
      arch: "i386",
      arches: "i386,amd64",
      serials: ["20190814.0", "20200402.0"],
      sources: { syslinux: "3:6.04~git20190206.bf6db5b4+dfsg1-2" },
    }),
  ],
};

/**
 * The content of the lab's images.maas.io: two releases of Ubuntu, boot loaders and CentOS, in several
 * versions.
 */
export const ubuntuImages: readonly ProductList[] = [
  {
    contentId: "com.ubuntu.maas:stable:v3:download",
    products: [
      ...ubuntuProducts(noble, "amd64", [nobleGa, nobleGaLowlatency, nobleHwe]),
      ...ubuntuProducts(noble, "arm64", [nobleGa, nobleHwe]),
      ...ubuntuProducts(jammy, "amd64", [jammyGa, jammyHwe]),
      ...ubuntuProducts(jammy, "arm64", [jammyGa, jammyHwe]),
    ],
  },
  bootloaders,
  {
    contentId: "com.ubuntu.maas:stable:centos-bases-download",
    products: [centos("8", ["20240128_01", "20240501_01"]), centos("9", ["20250301_01", "20250901_01"])],
  },
];

/** Two versions of January with the same kernel, and one of February. */
function ubuntuProducts(
  of: UbuntuRelease,
  arch: string,
  kernels: readonly UbuntuKernel[],
  subarches?: string,
): ImageProduct[] {
  const serials = of === noble ? ["20260113", "20260127", "20260210"] : ["20260109", "20260123", "20260206"];
  return kernels.map((kernel) =>
    ubuntuProduct({ of, arch, kernel, serials, ...(subarches === undefined ? {} : { subarches }) }),
  );
}

function centos(version: "8" | "9", serials: readonly string[]): ImageProduct {
  return archiveProduct({
    name: `com.ubuntu.maas.stable:centos-bases:${version}.0:amd64`,
    fields: {
      os: "centos",
      arch: "amd64",
      release: `centos${version}`,
      release_title: `CentOS ${version}`,
      version: `${version}.0`,
      support_eol: version === "8" ? "2021-12-31" : "2027-05-31",
    },
    serials,
  });
}

const subarchesRecorded = {
  jammy: "generic,hwe-p,ga-22.04",
  noble: "generic,hwe-p,ga-22.04,ga-24.04",
  nobleHwe: "generic,hwe-p,ga-22.04,ga-24.04,hwe-24.04",
} as const;

/**
 * The stream that MAAS 3.6.5 used when its answers were recorded, as far as the recordings show it: names,
 * architectures, kernels, subarches, labels and titles. The recordings do not show the kernels of jammy and arm64,
 * sizes and serials.
 */
export const recordedImages: readonly ProductList[] = [
  {
    // Imported before the others, so that the sort order puts its name before theirs.
    contentId: "com.example.internal:stable:custom-download",
    products: [
      archiveProduct({
        name: "com.example.internal.stable:custom:golden:amd64",
        fields: {
          os: "custom",
          arch: "amd64",
          release: "golden",
          // MAAS makes a title of these two if both exist: "Custom Golden DD".
          os_title: "Custom",
          release_title: "Golden DD",
          version: "1.0",
        },
        serials: ["20260101"],
        ftype: "root-dd.gz",
      }),
      archiveProduct({
        name: "com.example.internal.stable:custom:rocky9:amd64",
        fields: {
          os: "rhel",
          arch: "amd64",
          release: "rocky9",
          release_title: "Rocky Linux 9",
          version: "9",
        },
        serials: ["20260101"],
      }),
    ],
  },
  bootloaders,
  {
    contentId: "com.ubuntu.maas:stable:centos-bases-download",
    products: [centos("8", ["20240128_01"])],
  },
  {
    contentId: "com.ubuntu.maas:stable:v3:download",
    products: [
      ...ubuntuProducts(noble, "amd64", [nobleGa, nobleGaLowlatency], subarchesRecorded.noble),
      ...ubuntuProducts(noble, "amd64", [nobleHwe], subarchesRecorded.nobleHwe),
      ...ubuntuProducts(noble, "arm64", [nobleGa], subarchesRecorded.noble),
      ...ubuntuProducts(jammy, "amd64", [jammyGa], subarchesRecorded.jammy),
      ...ubuntuProducts(jammy, "arm64", [jammyGa], subarchesRecorded.jammy),
    ],
  },
];
