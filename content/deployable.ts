import { ExplainedError } from "../errors/explained-error.ts";
import type { ImageKind } from "./image-file.ts";

/*
 * MAAS accepts every file type for every system, and only fails when it deploys a machine. The rules by which it then
 * uses a file (provisioningserver/drivers/osystem, get_xinstall_parameters of each system, and get_resource_for of
 * maasserver/models/bootresource.py), read in 3.4 to 3.8:
 */

/** Systems that are deployed only from an archive of a root file system. */
const fromArchives = ["centos", "ol", "rhel", "suse", "ubuntu"];
/** Systems that are deployed only from a disk image. */
const fromDisks = ["esxi", "ubuntu-core", "windows"];

/** Why MAAS would accept an upload for this system but never deploy it; undefined if it would. */
export function neverDeployed(system: string, fileType: string): string | undefined {
  const isDisk = fileType.startsWith("dd");
  if (system === "bootloader") {
    return "is a system that MAAS accepts but never deploys: use the system that the image is made from, or custom";
  }
  if (isDisk && fromArchives.includes(system)) {
    const base = system === "ubuntu" ? " with baseImage: ubuntu/RELEASE" : "";
    return `is a disk image (${fileType}), but MAAS deploys ${system} only from archives of a root file system: use os: custom${base}, or a .tar.gz`;
  }
  if (!isDisk && fromDisks.includes(system)) {
    return `is an archive of a root file system (${fileType}), but MAAS deploys ${system} only from disk images: use one, such as .dd.tar.gz or .dd.gz (set fileType if the name has another extension)`;
  }
  return undefined;
}

/** Why MAAS would refuse an upload for a kernel; undefined if it would not. */
export function kernelRefusal(kernel: string): string | undefined {
  if (!/(^|-)(hwe|ga)-/.test(kernel)) return undefined;
  return "names a kernel, but MAAS accepts no uploads for kernels: remove it (generic)";
}

type Packing = ImageKind["packing"];

/** The compression of each file type, and whether it contains a tar archive. */
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
  gzip: "compressed with gzip",
  bzip2: "compressed with bzip2",
  xz: "compressed with xz",
  none: "not compressed",
};

/** File names of disk images. */
const disk = /\.(img|raw|dd|iso|qcow2|vmdk|vhdx?)$/i;

/**
 * Checks whether a file has its declared type: MAAS uncompresses it only on the machine, long after the upload.
 * Content compressed with xz and bzip2 cannot be checked here.
 *
 * @throws ExplainedError if it is another kind of file.
 */
export function refuseOtherKind(path: string, fileType: string, kind: ImageKind): void {
  const fault = faultOf(fileType, kind);
  if (!fault) return;
  throw new ExplainedError({
    step: `checking the image ${path}`,
    found: `it is declared as ${fileType}, but ${fault[0]}: MAAS would accept it and then fail to deploy a machine`,
    remedy: fault[1],
    values: ["file", "fileType"],
  });
}

/** Whether an archive contains a disk image and not a root file system. */
export function packsDisk({ first }: ImageKind): boolean {
  return first?.isFile === true && disk.test(first.name) && !/[^.]\//.test(first.name);
}

function faultOf(fileType: string, kind: ImageKind): [string, string] | undefined {
  const { packing, tar, first, format } = kind;
  const [wanted, wantsTar] = packed[fileType] ?? ["none", false];
  if (format) {
    return [
      `it is a disk image in the format ${format}`,
      "Convert it first: `qemu-img convert -O raw IMAGE disk.img`, then pack it with `gzip disk.img` (fileType: ddgz).",
    ];
  }
  if (packing !== wanted) {
    return [
      packing === "none"
        ? `it is not ${words[wanted]}`
        : `it is ${words[packing]}${wanted === "none" ? "" : `, not ${words[wanted]}`}`,
      "Declare the correct fileType, or compress the file as its name says.",
    ];
  }
  // Undefined if the content cannot be checked.
  if (tar === undefined) return undefined;
  if (tar && !wantsTar) {
    return [
      "it contains a tar archive, which would be written to the disk without unpacking",
      `Declare fileType: ${fileType === "ddraw" ? "ddtar" : "ddtgz"} for a disk image in a tar archive, or tgz for one of a root file system.`,
    ];
  }
  if (!tar && wantsTar) {
    return [
      "it contains no tar archive",
      `Declare fileType: ${packing === "gzip" ? "ddgz" : "ddraw"} if it is a disk image, or use the whole archive.`,
    ];
  }
  if (!first) return undefined;
  if (!fileType.startsWith("dd") && packsDisk(kind)) {
    return [
      `its first file is ${first.name}, a disk image`,
      `Declare fileType: dd${fileType} with os: custom (or windows, esxi), or use an archive of the root file system.`,
    ];
  }
  if (fileType.startsWith("dd") && !first.isFile) {
    return [
      `it begins with ${first.name}, as an archive of a root file system does`,
      "Declare fileType: tgz (tar compressed with gzip), or use an archive that contains only the disk image.",
    ];
  }
  return undefined;
}
