import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type ImagePlanRequest, planImages } from "../../../../content/simplestreams/plan.ts";
import { comparePlans } from "../../../../content/simplestreams/plan-comparison.ts";
import { parsePlanText, planText } from "../../../../content/simplestreams/plan-text.ts";
import { newKey } from "../small-archive.ts";
import {
  centos,
  type Fields,
  item,
  kernel,
  loaderId,
  loaders,
  productFile,
  publishStream,
  readSmallStream,
  smallStream,
  tuesday,
  ubuntuId,
  ubuntuProducts,
} from "./small-stream.ts";

const key = await newKey();
const centosId = "com.ubuntu.maas:stable:centos-bases-download";
const centosFile = productFile(centosId, {
  "centos:9": centos("centos9-stream", ["20250301_01", "20250901_01"]),
});
const loaderFile = productFile(loaderId, loaders());
const noble = { os: "ubuntu", releases: ["noble"], architectures: ["amd64"] };
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "plan-test-"));
});
afterEach(() => rm(directory, { recursive: true }));

/** The plan of a stream with these product files. */
async function planOf(
  request: ImagePlanRequest,
  files: readonly Fields[] = [productFile(ubuntuId, ubuntuProducts()), loaderFile, centosFile],
  fields: Fields = {},
) {
  const stream = smallStream(key);
  await publishStream(stream, files, fields);
  const roots = await readSmallStream(stream, directory);
  return planImages(roots, request);
}

const pathsOf = ({ files }: { files: readonly { path: string }[] }) => files.map(({ path }) => path);

describe("a selection is refused", () => {
  test.each([
    [
      "an unknown operating system",
      { ...noble, os: "unbuntu" },
      /no operating system unbuntu[\s\S]*Choose from: ubuntu, centos\./,
    ],
    [
      "an unknown release",
      { ...noble, releases: ["nobel"] },
      /no ubuntu release nobel[\s\S]*Choose from: noble, jammy\./,
    ],
    [
      "a version instead of a release",
      { ...noble, releases: ["24.04"] },
      /no ubuntu release 24.04[\s\S]*Use noble/,
    ],
    [
      "an architecture that the release does not have",
      { ...noble, releases: ["noble", "jammy"], architectures: ["arm64"] },
      /no ubuntu jammy for arm64[\s\S]*Choose from: amd64\./,
    ],
    [
      "a kernel that the release does not have",
      { ...noble, kernels: ["hwe-22.04"] },
      /with kernel hwe-22.04[\s\S]*hwe-24.04, ga-24.04, ga-24.04-lowlatency/,
    ],
    [
      "a kernel that is only the beginning of a name",
      { ...noble, kernels: ["hwe-24"] },
      /with kernel hwe-24/,
    ],
    [
      "a kernel without its flavour, which MAAS cannot select separately",
      { ...noble, kernels: ["ga-24.04"] },
      /MAAS would also request ga-24.04-lowlatency for amd64/,
    ],
  ])("for %s", async (_, image, message) => {
    await expect(planOf({ images: [image] })).rejects.toThrow(message);
  });

  test("with the path of the configuration value to correct", async () => {
    const images = [noble, { ...noble, releases: ["nobel"] }];
    await expect(planOf({ images })).rejects.toMatchObject({
      explanation: { values: ["images[1].releases"] },
    });
  });
});

describe("a product file is refused", () => {
  const one = (fields: Fields) => [
    productFile(ubuntuId, {
      "v3:noble": { ...kernel("noble", "amd64", "ga-24.04", ["20260601"]), ...fields },
    }),
    loaderFile,
  ];
  const withItem = (fields: Fields) =>
    one({ versions: { "20260601": { items: { squashfs: item("squashfs", "noble/squashfs", fields) } } } });
  test.each([
    [
      "a path outside the stream",
      withItem({ path: "../../etc/passwd" }),
      /product "v3:noble", version "20260601", item "squashfs": its path is "\.\./,
    ],
    ["an absolute path", withItem({ path: "/noble/squashfs" }), /its path is "\/noble/],
    ["an invalid digest", withItem({ sha256: "abc" }), /its sha256 is "abc", not 64/],
    ["no digest", withItem({ sha256: undefined }), /its sha256 is missing/],
    ["a size in words", withItem({ size: "a thousand" }), /its size is "a thousand", not a number/],
    ["a negative size", withItem({ size: -1 }), /its size is -1/],
    ["a negative size, as a text", withItem({ size: "-1" }), /its size is "-1"/],
    ["a size that is not an integer", withItem({ size: 1000.5 }), /its size is 1000.5/],
    [
      "a size that is larger than the largest safe integer",
      withItem({ size: 1e20 }),
      /its size is 100000000000000000000/,
    ],
    ["no size", withItem({ size: undefined }), /its size is missing/],
    ["a list of sizes", withItem({ size: [1000] }), /its size is a list/],
    [
      "size 0 with the digest of other content",
      withItem({ size: 0 }),
      /its size is 0, but its sha256 is not that/,
    ],
    ["a digest that is a number", withItem({ sha256: 7 }), /its sha256 is 7, not 64/],
    ["a path that is an object", withItem({ path: { constructor: 1 } }), /its path is an object/],
    [
      "a path with terminal control sequences",
      withItem({ path: "\u009b2J\u001b[31m/x" }),
      /its path is "\\u009b2J\\u001b\[31m\/x", not/,
    ],
    ["no file type", withItem({ ftype: undefined }), /its ftype is missing/],
    ["a version without files", one({ versions: { "20260601": { items: {} } } }), /it has no items/],
    ["an empty object of versions", one({ versions: {} }), /product v3:noble has no version/],
    ["no label", one({ label: undefined }), /its label is missing; MAAS would refuse the whole stream/],
    ["no architecture", one({ arch: undefined }), /its arch is missing/],
    ["no release", one({ release: undefined }), /its release is missing/],
    ["a release with a blank and a newline", one({ release: "no ble\n" }), /its release is "no ble/],
    ["no field for versions", one({ versions: undefined }), /it has no versions/],
    ["a list in place of the products", [productFile(ubuntuId, [])], /it has no products/],
    [
      "an unknown format",
      [productFile(ubuntuId, {}, { format: "products:2.0" })],
      /format is "products:2.0"/,
    ],
  ])("for %s", async (_, files, message) => {
    await expect(planOf({ images: [noble] }, files)).rejects.toThrow(message);
  });
});

describe("the plan of an image mirror", () => {
  test("has all files of the newest version of all kernels, all boot loaders, and the stream's metadata", async () => {
    const plan = await planOf({ images: [noble] });
    expect(pathsOf(plan)).toEqual([
      "bootloaders/pxe/i386/20260101.0/pxelinux.tar.xz",
      "bootloaders/uefi/amd64/20260101.0/grub-efi-signed.tar.xz",
      "bootloaders/uefi/arm64/20260101.0/grub-efi.tar.xz",
      "noble/amd64/20260601/ga-24.04-lowlatency/boot-kernel",
      "noble/amd64/20260601/ga-24.04/boot-kernel",
      "noble/amd64/20260601/hwe-24.04/boot-kernel",
      "noble/amd64/20260601/squashfs",
      "noble/amd64/20260601/squashfs.manifest",
      `streams/v1/${loaderId}.sjson`,
      `streams/v1/${centosId}.sjson`,
      `streams/v1/${ubuntuId}.sjson`,
      "streams/v1/index.sjson",
    ]);
    const [image] = plan.images;
    expect(image).toMatchObject({
      os: "ubuntu",
      release: "noble",
      architecture: "amd64",
      serial: "20260601",
    });
    expect(image?.kernels).toEqual(["ga-24.04", "ga-24.04-lowlatency", "hwe-24.04"]);
    expect(image?.bytes).toBe(500_000 + 10 + 3 * 1000);
    const metadata = plan.metadata.reduce((sum, { size }) => sum + size, 0);
    expect(plan.bytes).toBe(503_010 + 3 * 1000 + metadata);
  });

  test("has the selections for MAAS, and warns about products that the mirror does not have", async () => {
    const plan = await planOf({
      images: [
        { ...noble, architectures: ["amd64", "arm64"] },
        { os: "centos", releases: ["centos9-stream"], architectures: ["amd64"] },
      ],
    });
    expect(plan.selections).toEqual([
      { os: "ubuntu", release: "noble", arches: ["amd64", "arm64"], subarches: ["*"], labels: ["*"] },
      { os: "centos", release: "centos9-stream", arches: ["amd64"], subarches: ["*"], labels: ["*"] },
    ]);
    expect(plan.notHeld.products).toEqual(["com.ubuntu.maas.stable:v3:boot:22.04:amd64:ga-22.04"]);
    expect(plan.notHeld.images).toEqual([{ os: "ubuntu", release: "jammy", architecture: "amd64" }]);
    expect(plan.warnings).toEqual([
      "the stream's index also offers 1 product that this mirror does not have: MAAS must not select ubuntu jammy amd64",
    ]);
  });

  test("selects only the given kernels in MAAS, and all (*) if all kernels are given", async () => {
    const plan = await planOf({ images: [{ ...noble, kernels: ["hwe"] }] });
    expect(plan.selections[0]?.subarches).toEqual(["hwe-24.04"]);
    expect(pathsOf(plan)).not.toContain("noble/amd64/20260601/ga-24.04/boot-kernel");
    expect(plan.notHeld.images).toContainEqual({
      os: "ubuntu",
      release: "noble",
      architecture: "amd64",
      kernels: ["ga-24.04", "ga-24.04-lowlatency"],
    });
    const general = await planOf({ images: [{ ...noble, kernels: ["ga"] }] });
    expect(general.images[0]?.kernels).toEqual(["ga-24.04", "ga-24.04-lowlatency"]);
    const every = await planOf({ images: [{ ...noble, kernels: ["ga", "hwe-24.04"] }] });
    expect(every.selections[0]?.subarches).toEqual(["*"]);
  });

  test("has the kernels of both entries for one release", async () => {
    const images = [
      { ...noble, kernels: ["hwe-24.04"] },
      { ...noble, kernels: ["ga"] },
    ];
    expect((await planOf({ images })).selections).toHaveLength(1);
    expect((await planOf({ images })).selections[0]?.subarches).toEqual(["*"]);
  });

  test("refuses different kernels for each architecture, which MAAS cannot select", async () => {
    const images = [noble, { ...noble, architectures: ["arm64"] }];
    const hwe = { "v3:arm64:hwe": kernel("noble", "arm64", "hwe-24.04", ["20260601"]) };
    const files = [productFile(ubuntuId, { ...ubuntuProducts(), ...hwe }), loaderFile];
    const [, arm = noble] = images;
    await expect(planOf({ images: [noble, { ...arm, kernels: ["ga"] }] }, files)).rejects.toThrow(
      /MAAS would also request hwe-24.04 for arm64/,
    );
  });

  test("keeps the requested number of versions, or all if there are fewer", async () => {
    const two = await planOf({ images: [noble], keepVersions: 2 });
    expect(two.files.filter(({ path }) => path.endsWith("/squashfs"))).toHaveLength(2);
    expect(pathsOf(await planOf({ images: [noble], keepVersions: 9 }))).toEqual(pathsOf(two));
  });

  test("has the release notifications, which MAAS downloads without a selection", async () => {
    const note = { ...centos("notifications", ["20260101"]), os: "release-notifications" };
    const plan = await planOf({ images: [noble] }, [
      productFile(ubuntuId, { ...ubuntuProducts(), note }),
      loaderFile,
    ]);
    expect(pathsOf(plan)).toContain("centos/notifications/amd64/20260101/root-tgz");
    expect(plan.selections).toHaveLength(1);
  });

  test("warns about missing boot loaders, with their names", async () => {
    const plan = await planOf({ images: [{ ...noble, architectures: ["amd64", "arm64"] }] }, [
      productFile(ubuntuId, ubuntuProducts()),
    ]);
    expect(plan.warnings[0]).toBe(
      "the stream has no boot loader pxelinux (pxe) for amd64, grub-efi-signed (uefi) for amd64, grub-efi (uefi) for arm64: machines cannot boot from this stream alone",
    );
  });

  test("has the unsigned files if they are requested, in the format of images.maas.io", async () => {
    const plan = await planOf({ images: [noble], unsigned: true });
    const text = (path: string) => plan.metadata.find((file) => file.path === path)?.bytes.toString() ?? "";
    expect(plan.metadata).toHaveLength(8);
    const index = JSON.parse(text("streams/v1/index.json"));
    expect(index.index[ubuntuId].path).toBe(`streams/v1/${ubuntuId}.json`);
    expect(index.index[ubuntuId].products).toHaveLength(5);
    expect(text(index.index[ubuntuId].path)).toBe(
      `${JSON.stringify(productFile(ubuntuId, ubuntuProducts()), undefined, 1)}\n`,
    );
    expect(plan.files.filter(({ path }) => path.endsWith(".json"))).toHaveLength(4);
  });

  test("is the same after it is written as text and read again; another plan's text is refused", async () => {
    const plan = await planOf({ images: [noble], keepVersions: 2 });
    const { digest, ages, rows, files, images, bytes } = plan;
    expect(parsePlanText(planText(plan))).toEqual({ digest, ages, rows, files, images, bytes });
    expect(() => parsePlanText("airgapped-maas apt plan 1\n")).toThrow(/made by another release/);
  });

  test.each([
    ["an invalid digest", (line: string) => line.slice(1)],
    ["a size in words", (line: string) => line.replace(/ \d+ /, " many ")],
    ["no path", (line: string) => line.replace(/^(\S+ \d+ )\S+/, "$1")],
    ["an unknown kind", (line: string) => line.replace(" image ", " constructor ")],
    ["a missing word", (line: string) => line.replace(/ \S+$/, "")],
    ["an additional word", (line: string) => `${line} more`],
    ["a terminal control sequence", (line: string) => line.replace("noble", "no\x1b[2Jble")],
  ])("is refused when a line has %s", async (_, change) => {
    const [first, ...lines] = planText(await planOf({ images: [noble] }))
      .trimEnd()
      .split("\n");
    const changed = lines.map((line) => (line.includes(" image ubuntu noble ") ? change(line) : line));
    expect(changed).not.toEqual(lines);
    expect(() => parsePlanText([first, ...changed].join("\n"))).toThrow(
      /a line of it is invalid[\s\S]*It is damaged/,
    );
  });
});

describe("the comparison of two plans of an image mirror", () => {
  const next = (serials: readonly string[]) => [
    productFile(ubuntuId, ubuntuProducts(serials), { updated: tuesday }),
    loaderFile,
    centosFile,
  ];

  test("is empty for the same plan, and reports a newer index without image changes", async () => {
    const plan = await planOf({ images: [noble] });
    expect(comparePlans(plan, plan)).toEqual([]);
    const moved = await planOf({ images: [noble] }, undefined, { updated: tuesday });
    expect(comparePlans(plan, moved)).toEqual([
      "the stream's index 2026-06-01T06:00:00.000Z -> 2026-06-02T06:00:00.000Z, no image changes",
    ]);
  });

  test("shows everything as new if there is no old plan", async () => {
    expect(comparePlans(undefined, await planOf({ images: [noble] }))).toEqual([
      "noble amd64 20260601 (new), 491.2 KiB to fetch",
      "boot loaders: grub-efi arm64 20260101.0 (new); grub-efi-signed amd64 20260101.0 (new); pxelinux i386 20260101.0 (new), 2.9 KiB to fetch",
    ]);
  });

  test("shows a new version, a new image and a removed image", async () => {
    const old = await planOf({ images: [{ ...noble, releases: ["noble", "jammy"] }] });
    const updated = await planOf(
      { images: [noble, { os: "centos", releases: ["centos9-stream"], architectures: ["amd64"] }] },
      next(["20260501", "20260601", "20260602"]),
      { updated: tuesday },
    );
    expect(comparePlans(old, updated)).toEqual([
      "centos9-stream amd64 20250901_01 (new), 1000 B to fetch",
      "noble amd64 20260601 -> 20260602, 491.2 KiB to fetch, 491.2 KiB to prune later",
      "jammy amd64 (no longer held), 489.3 KiB to prune later",
    ]);
  });

  test("shows added kernels and removed versions while the newest version does not change", async () => {
    const hwe = await planOf({ images: [{ ...noble, kernels: ["hwe"] }] });
    const all = await planOf({ images: [noble] });
    const two = await planOf({ images: [noble], keepVersions: 2 });
    expect(comparePlans(hwe, all)).toEqual([
      "noble amd64 20260601 (+ga-24.04, +ga-24.04-lowlatency), 2.0 KiB to fetch",
    ]);
    expect(comparePlans(two, all)).toEqual(["noble amd64 20260601 (-20260501), 491.2 KiB to prune later"]);
  });

  test("does not count content that a new version shares with the old version", async () => {
    const same = (serials: readonly string[]) => {
      const products = ubuntuProducts(serials);
      const text = JSON.stringify(products);
      // The kernels of each version have the content of January.
      return JSON.parse(
        text.replaceAll(/("boot-kernel":\{[^}]*"sha256":")[0-9a-f]{64}/g, `$1${"a".repeat(64)}`),
      );
    };
    const old = await planOf({ images: [noble] }, [productFile(ubuntuId, same(["20260501"])), loaderFile]);
    const updated = await planOf({ images: [noble] }, [
      productFile(ubuntuId, same(["20260601"]), { updated: tuesday }),
      loaderFile,
    ]);
    expect(comparePlans(old, updated)).toEqual([
      "noble amd64 20260501 -> 20260601, 488.3 KiB to fetch, 488.3 KiB to prune later",
    ]);
  });
});
