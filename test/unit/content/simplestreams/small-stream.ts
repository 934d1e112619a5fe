import { createHash } from "node:crypto";
import type { PrivateKey } from "openpgp";
import { metadataCache } from "../../../../content/metadata-cache.ts";
import { readStreamRoots, type StreamRoots } from "../../../../content/simplestreams/streams.ts";
import { clearsign, type SmallArchive, smallArchive } from "../small-archive.ts";

/** A small signed stream in memory. */
export interface SmallStream extends SmallArchive {
  readonly key: PrivateKey;
}

export const url = "http://images.test/stable/";
export const ubuntuId = "com.ubuntu.maas:stable:v3:download";
export const loaderId = "com.ubuntu.maas:stable:1:bootloader-download";
export const monday = "Mon, 01 Jun 2026 06:00:00 +0000";
export const tuesday = "Tue, 02 Jun 2026 06:00:00 +0000";

export type Fields = Record<string, unknown>;

export function item(ftype: string, path: string, fields: Fields = {}): Fields {
  return { ftype, path, size: 1000, sha256: createHash("sha256").update(path).digest("hex"), ...fields };
}

/** A kernel of a release of Ubuntu. All kernels of a version name the same squashfs. */
export function kernel(release: string, arch: string, name: string, serials: readonly string[]): Fields {
  const [, flavor = "generic"] = /-(lowlatency)$/.exec(name) ?? [];
  const subarch = name.replace(/-lowlatency$/, "");
  return {
    os: "ubuntu",
    arch,
    release,
    version: { noble: "24.04", jammy: "22.04" }[release],
    label: "stable",
    kflavor: flavor,
    subarch,
    subarches: "generic",
    versions: Object.fromEntries(
      serials.map((serial) => {
        const folder = `${release}/${arch}/${serial}`;
        return [
          serial,
          {
            items: {
              "boot-kernel": item("boot-kernel", `${folder}/${name}/boot-kernel`),
              squashfs: item("squashfs", `${folder}/squashfs`, { size: 500_000 }),
              manifest: item("manifest", `${folder}/squashfs.manifest`, { size: 10 }),
            },
          },
        ];
      }),
    ),
  };
}

export function loader(os: string, type: string, arch: string, serials: readonly string[]): Fields {
  const versions = serials.map((serial) => [
    serial,
    { items: { grub: item("archive.tar.xz", `bootloaders/${type}/${arch}/${serial}/${os}.tar.xz`) } },
  ]);
  return {
    os,
    arch,
    arches: arch,
    "bootloader-type": type,
    label: "stable",
    versions: Object.fromEntries(versions),
  };
}

export function centos(release: string, serials: readonly string[]): Fields {
  const versions = serials.map((serial) => [
    serial,
    { items: { "root-tgz": item("root-tgz", `centos/${release}/amd64/${serial}/root-tgz`) } },
  ]);
  return { os: "centos", arch: "amd64", release, label: "stable", versions: Object.fromEntries(versions) };
}

/** Two releases of Ubuntu for two architectures, and their boot loaders. */
export function ubuntuProducts(
  serials: readonly string[] = ["20260501", "20260601"],
): Record<string, Fields> {
  const name = (version: string, rest: string) => `com.ubuntu.maas.stable:v3:boot:${version}:${rest}`;
  return {
    [name("24.04", "amd64:ga-24.04")]: kernel("noble", "amd64", "ga-24.04", serials),
    [name("24.04", "amd64:ga-24.04-lowlatency")]: kernel("noble", "amd64", "ga-24.04-lowlatency", serials),
    [name("24.04", "amd64:hwe-24.04")]: kernel("noble", "amd64", "hwe-24.04", serials),
    [name("24.04", "arm64:ga-24.04")]: kernel("noble", "arm64", "ga-24.04", serials),
    [name("22.04", "amd64:ga-22.04")]: kernel("jammy", "amd64", "ga-22.04", serials),
  };
}

export function loaders(serials: readonly string[] = ["20260101.0"]): Record<string, Fields> {
  const name = (rest: string) => `com.ubuntu.maas.stable:1:${rest}`;
  return {
    [name("pxelinux:pxe:i386")]: loader("pxelinux", "pxe", "i386", serials),
    [name("grub-efi-signed:uefi:amd64")]: loader("grub-efi-signed", "uefi", "amd64", serials),
    [name("grub-efi:uefi:arm64")]: loader("grub-efi", "uefi", "arm64", serials),
  };
}

export const productFile = (contentId: string, products: unknown, fields: Fields = {}): Fields => ({
  content_id: contentId,
  datatype: "image-ids",
  format: "products:1.0",
  updated: monday,
  products,
  ...fields,
});

/**
 * The index of some product files. Its entries have the data of these files, unless `fields` replace them.
 */
export function indexOf(files: readonly Fields[], fields: Fields = {}, entryFields: Fields = {}): Fields {
  const entries = files.map((file) => [
    file.content_id,
    {
      datatype: file.datatype,
      format: "products:1.0",
      path: `streams/v1/${file.content_id}.sjson`,
      products: Object.keys(file.products as object).sort(),
      updated: file.updated,
      ...entryFields,
    },
  ]);
  return { format: "index:1.0", index: Object.fromEntries(entries), updated: monday, ...fields };
}

export async function sign(stream: SmallStream, path: string, document: unknown, key = stream.key) {
  const text = typeof document === "string" ? document : `${JSON.stringify(document, undefined, 1)}\n`;
  stream.files.set(path, await clearsign(text, key));
}

/** Publishes product files and their index. */
export async function publishStream(
  stream: SmallStream,
  files: readonly Fields[] = [productFile(ubuntuId, ubuntuProducts()), productFile(loaderId, loaders())],
  fields: Fields = {},
): Promise<void> {
  for (const file of files) await sign(stream, `streams/v1/${file.content_id}.sjson`, file);
  await sign(stream, "streams/v1/index.sjson", indexOf(files, fields));
}

/** The stream, read two days after it was made. */
export function readSmallStream(stream: SmallStream, cacheDirectory: string): Promise<StreamRoots> {
  return readStreamRoots({
    url,
    fetch: stream.fetch,
    key: stream.key.toPublic().armor(),
    cache: metadataCache(cacheDirectory),
    now: new Date("2026-06-03T12:00:00Z"),
  });
}

export function smallStream(key: PrivateKey): SmallStream {
  return { ...smallArchive(), key };
}
