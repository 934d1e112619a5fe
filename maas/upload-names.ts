/* Rules of MAAS for uploads, from its form (maasserver/forms/__init__.py, BootResourceForm). */

/** Operating systems that an image's name may begin with. */
const systems = [
  "ubuntu",
  "ubuntu-core",
  "bootloader",
  "centos",
  "rhel",
  "custom",
  "windows",
  "suse",
  "esxi",
  "ol",
];

/**
 * Why MAAS would refuse an upload's name; undefined if it would not. Names of images from boot sources are not
 * checked.
 */
export function nameRefusal(name: string): string | undefined {
  const parts = name.split("/");
  const [system = "", release] = parts;
  if (parts.length > 2) return "has two slashes, which makes MAAS fail: use NAME, custom/NAME or SYSTEM/NAME";
  if (!parts.every((part) => /^[A-Za-z0-9][\w.+-]*$/.test(part))) {
    return "is not a valid name: use letters, digits, dots and dashes, e.g. rocky9, custom/rocky9 or rhel/rocky9";
  }
  if (release !== undefined && !systems.includes(system)) {
    return `begins with ${system}, but MAAS knows only ${systems.join(", ")}`;
  }
  const stored = storedName(name);
  if (systems.includes(stored) || /^centos\d\d?$/.test(stored)) return "is a name that MAAS reserves";
  return undefined;
}

/** The name in MAAS, without `custom/`. */
export function storedName(name: string): string {
  return name.replace(/^custom\//, "");
}

/** The distro series to deploy: `rhel/rocky9`. An image without a system belongs to `custom`. */
export function distroSeriesOf(name: string): string {
  const stored = storedName(name);
  return stored.includes("/") ? stored : `custom/${stored}`;
}

/** MAAS's file type by the extension of a file's name. The longest extension counts. */
const kinds: Readonly<Record<string, string>> = {
  ".tar.gz": "tgz",
  ".tgz": "tgz",
  ".tar.bz2": "tbz",
  ".tbz": "tbz",
  ".tar.xz": "txz",
  ".txz": "txz",
  ".dd.tar.gz": "ddtgz",
  ".dd.tgz": "ddtgz",
  ".dd.tar.bz2": "ddtbz",
  ".dd.tar.xz": "ddtxz",
  ".dd.tar": "ddtar",
  ".gz": "ddgz",
  ".xz": "ddxz",
  ".bz2": "ddbz2",
  ".img": "ddraw",
  ".raw": "ddraw",
  ".dd": "ddraw",
};

export const fileTypes = [...new Set(Object.values(kinds))];

/** MAAS's file type of a file, by its name; undefined for other extensions. */
export function fileTypeOf(path: string): string | undefined {
  const ends = Object.keys(kinds).filter((end) => path.toLowerCase().endsWith(end));
  const [longest] = ends.sort((one, other) => other.length - one.length);
  return longest && kinds[longest];
}

/** MAAS's names of these file types in a stored image. */
export const storedTypes: Readonly<Record<string, string>> = {
  tgz: "root-tgz",
  tbz: "root-tbz",
  txz: "root-txz",
  ddtgz: "root-dd",
  ddtbz: "root-dd.tar.bz2",
  ddtxz: "root-dd.tar.xz",
  ddtar: "root-dd.tar",
  ddbz2: "root-dd.bz2",
  ddgz: "root-dd.gz",
  ddxz: "root-dd.xz",
  ddraw: "root-dd.raw",
};
