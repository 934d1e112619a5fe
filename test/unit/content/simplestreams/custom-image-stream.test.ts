import { describe, expect, test } from "@jest/globals";
import type { CustomImageDescription } from "../../../../content/simplestreams/custom-image.ts";
import { customImageStream } from "../../../../content/simplestreams/custom-image-stream.ts";
import { parseIndex } from "../../../../content/simplestreams/index-file.ts";
import { parseProducts } from "../../../../content/simplestreams/products.ts";

const sha256 = "a".repeat(64);
const rocky: CustomImageDescription = {
  os: "rhel",
  release: "rocky9",
  releaseTitle: "Rocky Linux 9",
  version: "9",
  architecture: "amd64",
  serial: "20261120",
  file: { ftype: "root-tgz", size: 500, sha256 },
  manifest: { size: 20, sha256: "b".repeat(64) },
};
const updated = new Date("2026-11-23T06:06:27Z");

describe("a custom image in a stream is refused", () => {
  test.each<[string, Partial<CustomImageDescription>, RegExp]>([
    [
      "with os custom, which MAAS imports but never deploys",
      { os: "custom" },
      /never deploys it[\s\S]*Upload it to MAAS/,
    ],
    ["with os ubuntu", { os: "ubuntu" }, /official image[\s\S]*base_image/],
    ["with os windows", { os: "windows" }, /disk images/],
    [
      "with an operating system that MAAS does not know",
      { os: "debian" },
      /no operating system debian[\s\S]*centos, ol, rhel, suse/,
    ],
    [
      "that is a disk image",
      { file: { ...rocky.file, ftype: "root-dd.gz" } },
      /disk image \(root-dd.gz\)[\s\S]*tar\.gz/,
    ],
    [
      "with a file type for which MAAS 3.8 refuses the whole stream",
      { file: { ...rocky.file, ftype: "root-txz" } },
      /3\.8 refuses the whole stream/,
    ],
    [
      "with an unknown file type",
      { file: { ...rocky.file, ftype: "squashfs" } },
      /does not support the file type squashfs/,
    ],
    ["with a slash in its release", { release: "rocky/9" }, /cannot be part of a URL/],
    ["with a release that begins with ../", { release: "../x" }, /cannot be part of a URL/],
    ["with a release that MAAS reserves", { release: "notifications" }, /release notifications/],
    [
      "with os and release of an image on images.maas.io",
      { os: "centos", release: "centos9-stream" },
      /images.maas.io has images with that name/,
    ],
    ["with an empty title", { releaseTitle: "" }, /empty/],
    ["with a title of two lines", { releaseTitle: "Rocky\nLinux" }, /control characters/],
    ["with a title that ends with LTS", { releaseTitle: "Rocky LTS" }, /for commissioning/],
    ["with a serial that always sorts last", { serial: "v2" }, /sorts last/],
    ["with a version in words", { version: "nine point four" }, /not a version/],
    ["with two architectures in one value", { architecture: "amd64,arm64" }, /not an architecture/],
    ["with a colon in its label", { label: "a:b" }, /not a label/],
    ["with month 13 and day 45 in supportEnd", { supportEnd: "2032-13-45" }, /not a date/],
    ["with 31 February as supportEnd", { supportEnd: "2032-02-31" }, /not a date/],
    ["with an empty file", { file: { ...rocky.file, size: 0 } }, /empty/],
    ["with an invalid digest", { manifest: { size: 1, sha256: "x" } }, /not a valid SHA-256/],
  ])("%s", (_, changes, message) => {
    expect(() => customImageStream({ ...rocky, ...changes }, updated)).toThrow(message);
  });
});

describe("the stream of a custom image", () => {
  const stream = customImageStream(rocky, updated);

  test("is parsed like any other stream", () => {
    const index = parseIndex(stream.texts.index.text, "index");
    expect(index.entries).toEqual([
      { contentId: stream.contentId, path: stream.texts.products.path, updated },
    ]);
    const list = parseProducts(stream.texts.products.text, "products");
    expect(list.updated).toEqual(updated);
    const [product] = list.products;
    expect(product).toMatchObject({ kind: "image", os: "rhel", release: "rocky9", serials: ["20261120"] });
    expect(product?.items("20261120").map(({ path }) => path)).toEqual([
      "rhel/rocky9/amd64/20261120/root-tgz.manifest",
      "rhel/rocky9/amd64/20261120/root-tgz",
    ]);
    expect(stream.files.map(({ path }) => path).sort()).toEqual(
      product
        ?.items("20261120")
        .map(({ path }) => path)
        .sort(),
    );
  });

  test("has every field of a single-file product of MAAS 3.8, and none of a boot loader or of Ubuntu", () => {
    const [product] = Object.values(JSON.parse(stream.texts.products.text).products) as Record<
      string,
      unknown
    >[];
    for (const field of [
      "arch",
      "label",
      "os",
      "release",
      "release_title",
      "subarch",
      "subarches",
      "support_eol",
      "version",
    ]) {
      expect(product).toHaveProperty(field);
    }
    expect(product).not.toHaveProperty("bootloader-type");
    expect(product).not.toHaveProperty("kflavor");
    const versions = product?.versions as Record<string, { items: object }>;
    expect(Object.keys(versions["20261120"]?.items ?? {})).toEqual(["manifest", "root-tgz"]);
    // MAAS recognizes boot loaders by a name with :1: and Ubuntu by one with :v3:.
    expect(stream.product).not.toMatch(/:1:|:v[23]:/);
  });

  test("is the same for the same image, and has the names for its selection and deployment", () => {
    expect(customImageStream(rocky, updated)).toEqual(stream);
    expect(stream.distroSeries).toBe("rhel/rocky9");
    expect(stream.selection).toEqual({
      os: "rhel",
      release: "rocky9",
      arches: ["amd64"],
      subarches: ["*"],
      labels: ["*"],
    });
  });
});
