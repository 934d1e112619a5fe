import { contentBetween } from "./file-content.ts";
import type { ImageItem, ImageProduct } from "./stream.ts";

/*
 * The names of images.maas.io's products, their fields and files, as maas-images writes them
 * (https://github.com/canonical/maas-images: meph2/stream.py, conf/meph-v3.yaml, conf/bootloaders.yaml,
 * conf/centos.yaml). Files are small, between 2 kB and 100 kB.
 */

/** A release of Ubuntu. */
export interface UbuntuRelease {
  readonly release: string;
  readonly version: string;
  readonly codename: string;
  readonly title: string;
  /** Dates, such as `2029-05-31`. */
  readonly supportEnd: string;
  readonly extendedSupportEnd: string;
}

/** A kernel of a release: one product. */
export interface UbuntuKernel {
  /** `ga-24.04` or `hwe-24.04`. */
  readonly subarch: string;
  readonly flavor: "generic" | "lowlatency";
  /** The name of its package. */
  readonly package: string;
}

/**
 * A product: one kernel of a release and architecture. All kernels of a version boot the same squashfs, so these
 * products name the same file. A kernel that did not change between two versions has the same content at two paths.
 * Here kernels change once a month.
 */
export function ubuntuProduct(options: {
  readonly of: UbuntuRelease;
  readonly arch: string;
  readonly kernel: UbuntuKernel;
  readonly serials: readonly string[];
  /** Default: all subarchitectures that MAAS knows up to this release. */
  readonly subarches?: string;
}): ImageProduct {
  const { of, arch, kernel, serials, subarches = subarchesUpTo(of.version) } = options;
  const { subarch, flavor } = kernel;
  const suffix = flavor === "generic" ? "" : `-${flavor}`;
  return {
    name: `com.ubuntu.maas.stable:v3:boot:${of.version}:${arch}:${subarch}${suffix}`,
    fields: {
      arch,
      kflavor: flavor,
      krel: of.release,
      label: "stable",
      os: "ubuntu",
      release: of.release,
      release_codename: of.codename,
      release_title: of.title,
      subarch,
      subarches,
      support_eol: of.supportEnd,
      support_esm_eol: of.extendedSupportEnd,
      version: of.version,
    },
    serials,
    items(serial) {
      const folder = `${of.release}/${arch}/${serial}`;
      const boot = (ftype: string, seed: string, least: number, most: number): ImageItem => ({
        ftype,
        path: `${folder}/${subarch}/${flavor}/${ftype}`,
        content: contentBetween(`${seed} ${ftype} ${of.release} ${arch} ${subarch} ${flavor}`, least, most),
        fields: { kpackage: kernel.package },
      });
      return {
        "boot-initrd": boot("boot-initrd", serial, 30_000, 60_000),
        "boot-kernel": boot("boot-kernel", serial.slice(0, "yyyymm".length), 10_000, 20_000),
        manifest: item("manifest", `${folder}/squashfs.manifest`, 2000, 4000),
        squashfs: item("squashfs", `${folder}/squashfs`, 70_000, 100_000),
      };
    },
  };
}

/** A boot loader. Machines load it from the network before they have an image. */
export function bootloaderProduct(options: {
  readonly os: string;
  readonly type: "pxe" | "uefi" | "open-firmware";
  readonly arch: string;
  /** The architectures that it boots, comma-separated. */
  readonly arches: string;
  readonly serials: readonly string[];
  /** The source packages of its files, with their version in each serial. */
  readonly sources: Readonly<Record<string, string>>;
}): ImageProduct {
  const { os, type, arch, arches, serials, sources } = options;
  return {
    name: `com.ubuntu.maas.stable:1:${os}:${type}:${arch}`,
    fields: { arch, arches, "bootloader-type": type, label: "stable", os },
    serials,
    items: (serial) =>
      Object.fromEntries(
        Object.entries(sources).map(([source, version]) => [
          source,
          {
            ...item("archive.tar.xz", `bootloaders/${type}/${arch}/${serial}/${source}.tar.xz`, 5000, 40_000),
            fields: { src_package: source, src_release: "focal", src_version: version },
          },
        ]),
      ),
  };
}

/** An operating system as one archive that is unpacked onto the disk. */
export function archiveProduct(options: {
  readonly name: string;
  readonly fields: Readonly<Record<string, string>> & Readonly<Record<"os" | "arch" | "release", string>>;
  readonly serials: readonly string[];
  /** Default: `root-tgz`. */
  readonly ftype?: string;
}): ImageProduct {
  const { name, fields, serials, ftype = "root-tgz" } = options;
  return {
    name,
    fields: { label: "stable", subarch: "generic", subarches: "generic", ...fields },
    serials,
    items(serial) {
      const path = `${fields.os}/${fields.release}/${fields.arch}/${serial}/${ftype}`;
      return {
        manifest: item("manifest", `${path}.manifest`, 2000, 4000),
        [ftype]: item(ftype, path, 60_000, 100_000),
      };
    },
  };
}

/** A file whose content depends only on its path. */
function item(ftype: string, path: string, least: number, most: number): ImageItem {
  return { ftype, path, content: contentBetween(path, least, most) };
}

/** As in conf/meph-v3.yaml. A release's hwe kernels have the same list as its ga kernels. */
function subarchesUpTo(version: string): string {
  const named = ["generic", ..."pqrstuvw".split("").map((letter) => `hwe-${letter}`)];
  for (let year = 16; year <= Number(version.slice(0, 2)); year += 1) {
    for (const month of ["04", "10"]) {
      if (`${year}.${month}` <= version) named.push(`ga-${year}.${month}`);
    }
  }
  return named.join(",");
}
