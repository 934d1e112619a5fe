import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { planImages } from "../../../../content/simplestreams/plan.ts";
import { comparePlans } from "../../../../content/simplestreams/plan-comparison.ts";
import { parsePlanText, planText } from "../../../../content/simplestreams/plan-text.ts";
import { newKey } from "../small-archive.ts";
import {
  type Fields,
  item,
  kernel,
  loader,
  loaderId,
  loaders,
  productFile,
  publishStream,
  readSmallStream,
  sign,
  smallStream,
  ubuntuId,
  ubuntuProducts,
} from "./small-stream.ts";

const key = await newKey();
const noble = { os: "ubuntu", releases: ["noble"], architectures: ["amd64"] };
const otherId = "com.example:other";
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "odd-products-test-"));
});
afterEach(() => rm(directory, { recursive: true }));

/** The plan of a stream with these product files. A text is used for JSON that no object can express. */
async function planOf(files: readonly Fields[], texts: Readonly<Record<string, string>> = {}) {
  const stream = smallStream(key);
  await publishStream(stream, files);
  for (const [id, text] of Object.entries(texts)) await sign(stream, `streams/v1/${id}.sjson`, text);
  const roots = await readSmallStream(stream, directory);
  return planImages(roots, { images: [noble] });
}

const streamWith = (products: Readonly<Record<string, unknown>>, ofLoaders: Record<string, unknown> = {}) => [
  productFile(ubuntuId, { ...ubuntuProducts(), ...products }),
  productFile(loaderId, { ...loaders(), ...ofLoaders }),
];

const one = (release: string, fields: Fields) => ({
  ...kernel(release, "amd64", "ga-20.04", ["20260601"]),
  ...fields,
});
const withItem = (release: string, fields: Fields) =>
  one(release, {
    versions: { "20260601": { items: { squashfs: item("squashfs", "odd/squashfs", fields) } } },
  });

describe("an invalid product that is not selected is ignored", () => {
  test.each<[string, unknown, RegExp]>([
    ["a text in place of an object", "noble", /"v3:odd" is not an object/],
    ["null in place of an object", null, /"v3:odd" is not an object/],
    ["no architecture", one("noble", { arch: undefined }), /its arch is missing; MAAS would refuse/],
    ["a list of architectures", one("noble", { arch: ["amd64"] }), /its arch is a list, not a valid name/],
    ["no release", one("noble", { release: undefined }), /its release is missing/],
    ["a release with a slash", one("a/b", {}), /its release is "a\/b", not a valid name/],
    ["a number as its operating system", one("noble", { os: 7 }), /its os is 7/],
    ["no label", one("focal", { label: undefined }), /its label is missing; MAAS would refuse/],
    ["no versions", one("focal", { versions: undefined }), /it has no versions/],
    ["a list of versions", one("focal", { versions: [] }), /it has no versions/],
    ["a version with a newline in its name", one("focal", { versions: { "1\n2": {} } }), /no valid name/],
  ])("with a warning about it: %s", async (_, odd, message) => {
    const plan = await planOf(streamWith({ "v3:odd": odd }));
    expect(plan.images.map(({ release }) => release)).toContain("noble");
    expect(plan.warnings).toContainEqual(expect.stringMatching(message));
    expect(plan.warnings).toContainEqual(expect.stringMatching(/invalid products, which are ignored/));
  });

  test("and is listed as not held if one of its files is invalid", async () => {
    const plan = await planOf(streamWith({ "v3:odd": withItem("focal", { path: "/" }) }));
    expect(plan.notHeld.images).toContainEqual({ os: "ubuntu", release: "focal", architecture: "amd64" });
  });

  test("with a warning about it if it is called __proto__", async () => {
    const files = streamWith({ "v3:odd": withItem("noble", {}) });
    const text = JSON.stringify(files[0]).replace('"v3:odd"', '"__proto__"');
    const plan = await planOf(files, { [ubuntuId]: text });
    expect(plan.warnings).toContainEqual(expect.stringMatching(/product "__proto__" has no valid name/));
    expect(plan.images.find(({ release }) => release === "noble")?.kernels).not.toContain("ga-20.04");
  });

  test("with a warning about it if it is an unknown boot loader or release notifications", async () => {
    const odd = loader("lilo", "bios", "amd64", ["1"]);
    const note = { ...withItem("notifications", { size: -1 }), os: "release-notifications" };
    const plan = await planOf(streamWith({ note }, { odd: { ...odd, versions: { 1: {} } } }));
    expect(plan.warnings).toContainEqual(expect.stringMatching(/"odd", version "1": it has no items/));
    expect(plan.warnings).toContainEqual(expect.stringMatching(/"note", version "20260601".* size is -1/));
    expect(plan.images.map(({ os }) => os)).not.toContain("lilo");
  });
});

describe("an invalid product is refused", () => {
  test.each<[string, Fields, RegExp]>([
    ["without a label", one("noble", { label: undefined }), /"v3:odd": its label is missing/],
    ["without versions", one("noble", { versions: null }), /"v3:odd": it has no versions/],
    ["with an invalid file", withItem("noble", { path: "../x" }), /its path is "\.\.\/x"/],
  ])("if it is selected, %s", async (_, odd, message) => {
    await expect(planOf(streamWith({ "v3:odd": odd }))).rejects.toThrow(message);
  });

  test("if it is a boot loader, which MAAS downloads without a selection", async () => {
    const odd = loader("grub-efi-signed", "uefi", "amd64", []);
    await expect(planOf(streamWith({}, { odd: { ...odd, versions: { 1: {} } } }))).rejects.toThrow(
      /"odd", version "1": it has no items/,
    );
  });

  test("if no other product matches the selection, and the error names it", async () => {
    const files = [productFile(ubuntuId, { "v3:odd": one("noble", { arch: undefined }) })];
    await expect(planOf(files)).rejects.toThrow(
      /no operating system ubuntu \(it has invalid products that may be meant: product "v3:odd": its arch/,
    );
  });
});

describe("names of properties of all JavaScript objects", () => {
  const names = ["constructor", "hasOwnProperty", "toString", "valueOf", "__defineGetter__"];

  test("are accepted as names of products", async () => {
    const products = Object.fromEntries(
      names.map((name) => [name, kernel("noble", "amd64", `ga-${name}`, ["20260601"])]),
    );
    const plan = await planOf(streamWith(products));
    const image = plan.images.find(({ release }) => release === "noble");
    expect(Object.keys(image?.products ?? {})).toEqual(expect.arrayContaining(names));
    expect(parsePlanText(planText(plan)).images).toEqual(plan.images);
    expect(comparePlans(parsePlanText(planText(plan)), plan)).toEqual([]);
  });

  test("are accepted as names of product files, operating systems, releases, versions, kernels and items", async () => {
    for (const name of names) {
      const product = {
        ...kernel(name, "amd64", name, []),
        os: name,
        versions: { [name]: { items: { [name]: item(name, name) } } },
      };
      const files = [...streamWith({}), productFile(name, { [name]: product })];
      const plan = await planOf(files);
      expect(plan.notHeld.images).toContainEqual({ os: name, release: name, architecture: "amd64" });
      expect(Object.keys(plan.ages.products)).toContain(name);
    }
  });

  test("are refused as a content id only if it is __proto__, which Pulumi loses", async () => {
    const files = [...streamWith({}), productFile("x", {})];
    const stream = smallStream(key);
    await publishStream(stream, files);
    const text = JSON.stringify({ format: "index:1.0", updated: "x", index: { x: {} } });
    await sign(stream, "streams/v1/index.sjson", text.replace('"x":{}', '"__proto__":{}'));
    const reading = readSmallStream(stream, directory);
    await expect(reading).rejects.toThrow(/entry "__proto__" is not a valid content id/);
  });
});

describe("contradictory files of a stream", () => {
  const second = (fields: Fields) => ({
    "v3:second": one("noble", {
      versions: { "20260601": { items: { squashfs: item("squashfs", "second/squashfs", fields) } } },
    }),
  });
  const squashfs = "noble/amd64/20260601/squashfs";
  const digest = String(item("squashfs", squashfs).sha256);

  test.each<[string, Fields, RegExp]>([
    ["two contents of one path", { path: squashfs, size: 7 }, /squashfs has two contents: .*second/],
    ["two sizes of one content", { sha256: digest, size: 7 }, /has two sizes: 500000 bytes as noble.* 7 /],
    ["a file below a file", { path: `${squashfs}/x/y` }, /squashfs .*also the directory of .*squashfs\/x\/y/],
    [
      "a file that is also a directory of a file",
      { path: "noble" },
      /^planning.*: noble \(of v3:second 20260601\) is a file/,
    ],
    ["a file below the index", { path: "streams/v1/index.sjson/x" }, /index\.sjson \(of the stream itself\)/],
    [
      "a file that is also the directory of the index",
      { path: "streams" },
      /streams \(of v3:second 20260601\) is a file/,
    ],
    ["a file in place of the index", { path: "streams/v1/index.sjson" }, /index\.sjson has two/],
    [
      "a file in place of the unsigned index",
      { path: "streams/v1/index.json" },
      /is the path of one of the stream's own files/,
    ],
    [
      "a file in place of the unsigned index's signature",
      { path: "streams/v1/index.json.gpg" },
      /is the path of one of the stream's own files/,
    ],
  ])("are refused: %s", async (_, fields, message) => {
    await expect(planOf(streamWith(second(fields)))).rejects.toThrow(message);
  });

  test.each<[string, Fields, RegExp]>([
    ["two sizes of one content", { sha256: digest, size: 7 }, /has two sizes/],
    ["a file below a file", { path: `${squashfs}/x` }, /also the directory of/],
  ])("are refused in two product files: %s", async (_, fields, message) => {
    await expect(planOf([...streamWith({}), productFile(otherId, second(fields))])).rejects.toThrow(message);
  });

  test("do not include one content at two paths, which is accepted", async () => {
    const plan = await planOf(streamWith(second({ sha256: digest, size: 500_000 })));
    expect(plan.files.filter(({ sha256 }) => sha256 === digest)).toHaveLength(2);
  });

  test("are accepted if only one of them is selected", async () => {
    const odd = { "v3:odd": withItem("focal", { sha256: digest, size: 7 }) };
    expect((await planOf(streamWith(odd))).images).not.toHaveLength(0);
  });
});

describe("a product in two product files", () => {
  const name = "com.ubuntu.maas.stable:v3:boot:24.04:amd64:hwe-24.04";
  const same = kernel("noble", "amd64", "hwe-24.04", ["20260501", "20260601"]);
  const lists = [`streams/v1/${ubuntuId}.sjson`, `streams/v1/${otherId}.sjson`];

  test("is one product if its content is the same", async () => {
    const plan = await planOf([...streamWith({}), productFile(otherId, { [name]: same })]);
    expect(plan.images.find(({ release }) => release === "noble")?.products[name]).toEqual(["20260601"]);
  });

  test.each<[string, unknown]>([
    ["another version", kernel("noble", "amd64", "hwe-24.04", ["20260501", "20260602"])],
    ["other files", withItem("noble", {})],
    ["another release", { ...same, release: "jammy" }],
    ["another kernel", { ...same, subarch: "ga-24.04" }],
    ["a number in place of an object", 7],
    ["no release", { ...same, release: undefined }],
  ])("is refused with %s in the second file, and the error names both files", async (_, other) => {
    const planning = planOf([...streamWith({}), productFile(otherId, { [name]: other })]);
    await expect(planning).rejects.toThrow(`both have product ${name}, with different content`);
    for (const list of lists) await expect(planning).rejects.toThrow(list);
  });

  test.each<[string, unknown, RegExp]>([
    ["with invalid files", { ...same, versions: { "20260501": {}, "20260601": {} } }, /it has no items/],
    ["without a label", { ...same, label: undefined }, /its label is missing/],
  ])("is refused if it is invalid in the second file: %s", async (_, other, message) => {
    const planning = planOf([...streamWith({}), productFile(otherId, { [name]: other })]);
    await expect(planning).rejects.toThrow(message);
    await expect(planning).rejects.toThrow(`reading ${lists[1]}`);
  });

  test("may have different content if it is not selected", async () => {
    const jammy = "com.ubuntu.maas.stable:v3:boot:22.04:amd64:ga-22.04";
    const files = [...streamWith({}), productFile(otherId, { [jammy]: { ...same, release: "jammy" } })];
    expect((await planOf(files)).images).not.toHaveLength(0);
  });
});

test("an image of more than 200,000 files is refused", async () => {
  const items = Object.fromEntries(
    Array.from({ length: 200_001 }, (_, number) => [number, { ...item("x", "x"), path: `x/${number}` }]),
  );
  const odd = one("noble", { versions: { "20260601": { items } } });
  await expect(planOf(streamWith({ odd }))).rejects.toThrow(/have 2000\d\d files; the maximum is 200000/);
});

test("a size as a text is accepted, as in MAAS, and of a duplicate key the last value is used", async () => {
  const files = streamWith({ "v3:odd": withItem("noble", { size: 123 }) });
  const text = JSON.stringify(files[0]).replace('"size":123', '"size":"7x","size":"0123"');
  const plan = await planOf(files, { [ubuntuId]: text });
  expect(plan.files.find(({ path }) => path === "odd/squashfs")?.size).toBe(123);
});
