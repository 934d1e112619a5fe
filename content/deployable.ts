import { ExplainedError } from "../errors/explained-error.ts";
import type { ImageKind } from "./image-file.ts";

/*
 * MAAS takes every kind of file for every system, and finds out while a machine is deployed that it cannot use it. What it
 * looks for (provisioningserver/drivers/osystem, get_xinstall_parameters of each system, and get_resource_for of
 * maasserver/models/bootresource.py), read in 3.4 to 3.8:
 */

/** Systems that are deployed from an archive of a root file system alone. */
const fromArchives = ["centos", "ol", "rhel", "suse", "ubuntu"];
/** Systems that are deployed from a disk image alone. */
const fromDisks = ["esxi", "ubuntu-core", "windows"];

/** Why MAAS would take an upload of this system and never deploy it; undefined when it would. */
export function neverDeployed(system: string, fileType: string): string | undefined {
  const isDisk = fileType.startsWith("dd");
  if (system === "bootloader") {
    return "is a system that MAAS takes and never deploys: use the system that the image is made from, or custom";
  }
  if (isDisk && fromArchives.includes(system)) {
    const base = system === "ubuntu" ? " with baseImage: ubuntu/RELEASE" : "";
    return `is a disk image (${fileType}), and MAAS deploys ${system} from archives of a root file system only: use os: custom${base}, or a .tar.gz`;
  }
  if (!isDisk && fromDisks.includes(system)) {
    return `is an archive of a root file system (${fileType}), and MAAS deploys ${system} from disk images only: give one, such as .dd.tar.gz or .dd.gz (fileType says so where the name does not)`;
  }
  return undefined;
}

/** Why MAAS would take no upload for a kernel; undefined when it would. */
export function kernelRefusal(kernel: string): string | undefined {
  if (!/(^|-)(hwe|ga)-/.test(kernel)) return undefined;
  return "names a kernel, for which MAAS takes no uploads: leave it out (generic)";
}

type Packing = ImageKind["packing"];

/** How each kind of file is packed, and whether there is a tar archive in it. */
const packed: Readonly<Record<string, readonly [packing: Packing, tar: boolean]>> = {
  tgz: ["gzip", true],
  tbz: ["bzip2", true],
  txz: ["xz", true],
  ddtgz: ["gzip", true],
  ddtbz: ["bzip2", true],
  ddtxz: ["xz", true],
  ddtar: ["none", true],
  ddgz: ["gzip", false],
  ddbz2: ["bzip2", false],
  ddxz: ["xz", false],
  ddraw: ["none", false],
};

const words: Readonly<Record<Packing, string>> = {
  gzip: "packed with gzip",
  bzip2: "packed with bzip2",
  xz: "packed with xz",
  none: "not packed",
};

/** A disk's file, by its name. */
const disk = /\.(img|raw|dd|iso|qcow2|vmdk|vhdx?)$/i;

/**
 * Looks whether a file is what it is declared as: MAAS unpacks it on the machine, long after it took it. What xz and bzip2
 * have packed cannot be looked into here.
 *
 * @throws ExplainedError where it is another kind of file
 */
export function refuseOtherKind(path: string, fileType: string, kind: ImageKind): void {
  const fault = faultOf(fileType, kind);
  if (!fault) return;
  throw new ExplainedError({
    step: `looking at the image ${path}`,
    found: `it is declared as ${fileType}, and ${fault[0]}: MAAS would take it and fail while it deploys a machine`,
    remedy: fault[1],
    values: ["file", "fileType"],
  });
}

/** Whether an archive holds a disk image and not a root file system. */
export function packsDisk({ first }: ImageKind): boolean {
  return first?.isFile === true && disk.test(first.name) && !/[^.]\//.test(first.name);
}

function faultOf(fileType: string, kind: ImageKind): [string, string] | undefined {
  const { packing, tar, first, format } = kind;
  const [wanted, wantsTar] = packed[fileType] ?? ["none", false];
  if (format) {
    return [
      `it is a disk in the form ${format}`,
      "Convert it first: `qemu-img convert -O raw IMAGE disk.img`, then pack it with `gzip disk.img` (fileType: ddgz).",
    ];
  }
  if (packing !== wanted) {
    return [
      packing === "none"
        ? `it is not ${words[wanted]}`
        : `it is ${words[packing]}${wanted === "none" ? "" : `, not ${words[wanted]}`}`,
      "Declare its kind as fileType, or pack it as its name says.",
    ];
  }
  // Undefined where nobody can look.
  if (tar === undefined) return undefined;
  if (tar && !wantsTar) {
    return [
      "there is a tar archive in it, which would be written to the disk unopened",
      `Declare fileType: ${fileType === "ddraw" ? "ddtar" : "ddtgz"} for a disk image in a tar archive, or tgz for one of a root file system.`,
    ];
  }
  if (!tar && wantsTar) {
    return [
      "there is no tar archive in it",
      `Declare fileType: ${packing === "gzip" ? "ddgz" : "ddraw"} where it is a disk image, or give the whole archive.`,
    ];
  }
  if (!first) return undefined;
  if (!fileType.startsWith("dd") && packsDisk(kind)) {
    return [
      `its first file is ${first.name}, a disk image`,
      `Declare fileType: dd${fileType} with os: custom (or windows, esxi), or give an archive of the root file system.`,
    ];
  }
  if (fileType.startsWith("dd") && !first.isFile) {
    return [
      `it begins with ${first.name}, as an archive of a root file system does`,
      "Declare fileType: tgz (tar packed with gzip), or give an archive that holds the disk image alone.",
    ];
  }
  return undefined;
}
