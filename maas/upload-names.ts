/*
 * What MAAS takes of an upload, as its form says it (maasserver/forms/__init__.py, BootResourceForm).
 */

/** Systems that an image's name may begin with. */
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

/** Why MAAS would refuse an upload's name; undefined when it would not, but for names of images that its sources have. */
export function nameRefusal(name: string): string | undefined {
  const parts = name.split("/");
  const [system = "", release] = parts;
  if (parts.length > 2) return "has two slashes, at which MAAS fails: use NAME, custom/NAME or SYSTEM/NAME";
  if (!parts.every((part) => /^[A-Za-z0-9][\w.+-]*$/.test(part))) {
    return "is not a name: use letters, digits, dots and dashes, e.g. rocky9, custom/rocky9 or rhel/rocky9";
  }
  if (release !== undefined && !systems.includes(system)) {
    return `begins with ${system}, and MAAS knows ${systems.join(", ")}`;
  }
  const stored = storedName(name);
  if (systems.includes(stored) || /^centos\d\d?$/.test(stored)) return "is a name that MAAS keeps for itself";
  return undefined;
}

/** What MAAS calls it: `custom/` is left out. */
export function storedName(name: string): string {
  return name.replace(/^custom\//, "");
}

/** What a machine is deployed with: `rhel/rocky9`; an image without a system is of `custom`. */
export function distroSeriesOf(name: string): string {
  const stored = storedName(name);
  return stored.includes("/") ? stored : `custom/${stored}`;
}

/** By the end of a file's name what MAAS calls its kind; the longest end counts. */
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

/** The kind of a file, by its name; undefined when that does not say it. */
export function fileTypeOf(path: string): string | undefined {
  const ends = Object.keys(kinds).filter((end) => path.toLowerCase().endsWith(end));
  const [longest] = ends.sort((one, other) => other.length - one.length);
  return longest && kinds[longest];
}

/** What MAAS calls these in an image that it has. */
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
