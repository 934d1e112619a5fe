import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type ArchiveKey, archiveKey } from "../../lab/archive/openpgp-key.ts";
import { command } from "../../lab/command.ts";
import {
  archiveProduct,
  bootloaderProduct,
  type UbuntuRelease,
  ubuntuProduct,
} from "../../lab/images/products.ts";
import {
  type ImageProduct,
  type ProductList,
  streamsDirectory,
  writeImageStream,
} from "../../lab/images/stream.ts";
import type { Lab } from "../../lab/lab.ts";
import { switchLink } from "../../lab/publications.ts";
import { say } from "../measurement.ts";
import { benchCache } from "../other-tools.ts";

/** The directory of the stream in the lab's archive. */
export const streamName = "image-stream";

export const architectures = ["amd64", "arm64"];

const ubuntuReleases = [
  ubuntu("bionic", "18.04"),
  ubuntu("focal", "20.04"),
  ubuntu("jammy", "22.04"),
  ubuntu("noble", "24.04"),
];
export const releases = ubuntuReleases.map(({ release }) => release);
export const centosReleases = ["centos9"];

/** The number of versions of each image, published and mirrored. */
export const versions = 3;
const serials = ["20260110", "20260210", "20260310"];
const newSerial = "20260410";

/** The factor between the sizes of the bench's files and the lab's. All files together have 1 GB. */
const enlargement = 109;

/** A stream of 300 files and 1 GB that the lab's `upstream` serves. */
export interface UpstreamStream {
  readonly key: ArchiveKey;
  /** The files that a mirror must have, without the stream's metadata. */
  readonly files: readonly { readonly path: string; readonly size: number; readonly sha256: string }[];
  /** Bytes of the files that the previous edition did not have. */
  readonly newBytes: number;
  /** Bytes of the stream's signed metadata. */
  readonly metadataBytes: number;
}

/** Publishes the stream. Edition 1 has a new serial of noble for amd64. */
export async function publishStream(lab: Lab, edition: 0 | 1): Promise<UpstreamStream> {
  const key = await archiveKey("images");
  // Made once and kept. The name has the key, because another key makes other files.
  const kept = (number: number) => join(benchCache, `image-stream-${key.fingerprint.slice(-8)}-${number}`);
  for (const number of [0, 1] as const) {
    const directory = kept(number);
    if (existsSync(directory)) continue;
    say(`making edition ${number} of the stream`);
    mkdirSync(benchCache, { recursive: true });
    const making = `${directory}.new`;
    rmSync(making, { recursive: true, force: true });
    await writeImageStream(making, {
      lists: listsOf(number),
      key,
      // The newer edition is dated one minute later.
      updated: new Date(Date.now() - 3_600_000 + number * 60_000),
      previous: number > 0 ? kept(number - 1) : undefined,
    });
    renameSync(making, directory);
  }
  const name = `${streamName}-${edition}`;
  await command(["cp", "--archive", "--link", kept(edition), join(lab.paths.archive, name)]);
  switchLink(join(lab.paths.archive, streamName), name);

  const before = new Set(edition > 0 ? filesOf(kept(edition - 1)).map(({ path }) => path) : []);
  const files = filesOf(kept(edition));
  const signed = ["index", ...listsOf(edition).map(({ contentId }) => contentId)];
  return {
    key,
    files,
    newBytes: bytesOf(files.filter(({ path }) => !before.has(path))),
    metadataBytes: signed.reduce(
      (sum, each) => sum + readFileSync(join(kept(edition), streamsDirectory, `${each}.sjson`)).length,
      0,
    ),
  };
}

export function bytesOf(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** The mirrored files of the newest versions, from the lists. */
function filesOf(directory: string): UpstreamStream["files"] {
  type Items = Readonly<Record<string, { path: string; size: number; sha256: string }>>;
  interface List {
    readonly products: Readonly<
      Record<
        string,
        {
          readonly release?: string;
          readonly versions: Readonly<Record<string, { readonly items: Items }>>;
        }
      >
    >;
  }
  const files = new Map<string, { path: string; size: number; sha256: string }>();
  for (const { contentId } of listsOf(0)) {
    const list: List = JSON.parse(
      readFileSync(join(directory, streamsDirectory, `${contentId}.json`), "utf8"),
    );
    for (const product of Object.values(list.products)) {
      if (product.release === unwanted.release) continue;
      const newest = Object.keys(product.versions).sort().slice(-versions);
      for (const { path, size, sha256 } of newest.flatMap((serial) =>
        Object.values(product.versions[serial]?.items ?? {}),
      ))
        files.set(path, { path, size, sha256 });
    }
  }
  return [...files.values()];
}

function listsOf(edition: number): ProductList[] {
  return [
    {
      contentId: "com.ubuntu.maas:stable:v3:download",
      products: [
        ...ubuntuReleases.flatMap((release) =>
          architectures.flatMap((arch) => ubuntuProducts(release, arch, edition)),
        ),
        ...unwantedProducts(),
      ],
    },
    {
      contentId: "com.ubuntu.maas:stable:1:bootloader-download",
      products: [
        loader("grub-efi-signed", "uefi", "amd64", "amd64", ["grub2-signed", "shim-signed"]),
        loader("grub-efi", "uefi", "arm64", "arm64", ["grub2"]),
        loader("pxelinux", "pxe", "i386", "i386,amd64", ["syslinux"]),
      ],
    },
    {
      contentId: "com.ubuntu.maas:stable:centos-bases-download",
      products: centosReleases.map((release) =>
        enlarged(
          archiveProduct({
            name: `com.ubuntu.maas.stable:centos-bases:${release}:amd64`,
            fields: { os: "centos", arch: "amd64", release, release_title: release, version: "9" },
            serials: ["20250301_01", "20250901_01"],
          }),
        ),
      ),
    },
  ];
}

/** Five kernels. Each version has ten boot files, and one squashfs with a manifest for all kernels. */
function ubuntuProducts(of: UbuntuRelease, arch: string, edition: number): ImageProduct[] {
  const ga = `ga-${of.version}`;
  const hwe = `hwe-${of.version}`;
  const moved = edition > 0 && of.release === "noble" && arch === "amd64";
  return [
    { subarch: ga, flavor: "generic", package: "linux-generic" } as const,
    { subarch: ga, flavor: "lowlatency", package: "linux-lowlatency" } as const,
    { subarch: hwe, flavor: "generic", package: `linux-generic-${hwe}` } as const,
    { subarch: hwe, flavor: "lowlatency", package: `linux-lowlatency-${hwe}` } as const,
    { subarch: `${hwe}-edge`, flavor: "generic", package: `linux-generic-${hwe}-edge` } as const,
  ].map((kernel) =>
    enlarged(ubuntuProduct({ of, arch, kernel, serials: moved ? [...serials, newSerial] : serials })),
  );
}

function loader(
  os: string,
  type: "pxe" | "uefi",
  arch: string,
  arches: string,
  packages: readonly string[],
): ImageProduct {
  const sources = Object.fromEntries(packages.map((name) => [name, "1.0"]));
  return bootloaderProduct({ os, type, arch, arches, serials: ["20210819.0", "20221029.0"], sources });
}

const unwanted = ubuntu("xenial", "16.04");

/**
 * Products that are not mirrored. They enlarge the list to the 10 MB of the real one. All of them name the
 * same file.
 */
function unwantedProducts(): ImageProduct[] {
  const many = Array.from({ length: 40 }, (_, day) => String(20260101 + day));
  return Array.from({ length: 300 }, (_, number) => {
    const product = ubuntuProduct({
      of: unwanted,
      arch: "amd64",
      kernel: { subarch: `ga-${number}`, flavor: "generic", package: "linux-generic" },
      serials: many,
    });
    return {
      ...product,
      items: (serial) =>
        Object.fromEntries(
          Object.entries(product.items(serial)).map(([key, item]) => [
            key,
            { ...item, path: "unwanted", content: { seed: "unwanted", size: 1000 } },
          ]),
        ),
    };
  });
}

function enlarged(product: ImageProduct): ImageProduct {
  return {
    ...product,
    items: (serial) =>
      Object.fromEntries(
        Object.entries(product.items(serial)).map(([key, item]) => {
          const { seed, size } = item.content;
          return [key, { ...item, content: { seed, size: size * enlargement } }];
        }),
      ),
  };
}

function ubuntu(release: string, version: string): UbuntuRelease {
  const date = "2036-04-30";
  return {
    release,
    version,
    codename: release,
    title: `${version} LTS`,
    supportEnd: date,
    extendedSupportEnd: date,
  };
}
