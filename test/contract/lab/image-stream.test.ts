import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { archiveKey } from "../../../lab/archive/openpgp-key.ts";
import { tryCommand } from "../../../lab/command.ts";
import { recordedImages, ubuntuImages } from "../../../lab/images/image-sets.ts";
import { type ProductList, writeImageStream } from "../../../lab/images/stream.ts";

const directory = mkdtempSync(join(tmpdir(), "image-stream-"));
const ubuntu = join(directory, "ubuntu");
const recorded = join(directory, "recorded");
const then = new Date("2026-02-11T09:30:00Z");

interface Item {
  readonly ftype: string;
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}
interface Product extends Readonly<Record<string, unknown>> {
  readonly versions: Readonly<Record<string, { readonly items: Readonly<Record<string, Item>> }>>;
}

beforeAll(async () => {
  const key = await archiveKey("images");
  await writeImageStream(ubuntu, { lists: ubuntuImages, key, updated: then });
  await writeImageStream(recorded, { lists: recordedImages, key, updated: then });
});

afterAll(() => rmSync(directory, { recursive: true }));

// biome-ignore lint/suspicious/noExplicitAny: tests check the values that they read
function json(stream: string, path: string): any {
  return JSON.parse(readFileSync(join(stream, path), "utf8"));
}

function productsOf(stream: string): Map<string, Product> {
  const { index } = json(stream, "streams/v1/index.json");
  return new Map(
    Object.values(index as Record<string, { path: string }>).flatMap(({ path }) =>
      Object.entries(json(stream, path).products as Record<string, Product>),
    ),
  );
}

function itemsIn(products: Iterable<Product>): Item[] {
  return [...products].flatMap(({ versions }) =>
    Object.values(versions).flatMap(({ items }) => Object.values(items)),
  );
}

describe.each([
  ["Ubuntu's", ubuntu, ubuntuImages],
  ["the recorded", recorded, recordedImages],
])("%s stream", (_name, stream, lists) => {
  test("is verified by gpgv with the binary keyring, and its unsigned files have the same content", async () => {
    const { keyringFile, fingerprint } = await archiveKey("images");
    const names = readdirSync(join(stream, "streams/v1")).filter((name) => name.endsWith(".sjson"));
    expect(names.length).toBe(lists.length + 1);
    for (const name of names) {
      const file = join(stream, "streams/v1", name);
      const gpgv = ["gpgv", "--status-fd=2", "--keyring", keyringFile, "--output", "-", file];
      const { code, stdout, stderr } = await tryCommand(gpgv);
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringContaining(`VALIDSIG ${fingerprint}`),
      });
      const unsigned = readFileSync(file.replace(/sjson$/, "json"), "utf8");
      // Each index names the lists of its own kind.
      expect(stdout).toBe(name === "index.sjson" ? unsigned.replaceAll(".json", ".sjson") : unsigned);
    }
  });

  test("is refused by gpgv after a changed byte, and with the keyring of another key", async () => {
    const file = join(stream, "streams/v1/index.sjson");
    const changed = readFileSync(file, "utf8").replace("index:1.0", "index:1.1");
    const keyring = (await archiveKey("images")).keyringFile;
    const stranger = (await archiveKey("stranger")).keyringFile;
    const status = ["gpgv", "--status-fd=1", "--keyring"];
    expect((await tryCommand([...status, keyring], { input: changed })).stdout).toContain("BADSIG");
    expect((await tryCommand([...status, stranger, file])).stdout).toContain("NO_PUBKEY");
  });

  test("has exactly the files that it names, with the listed sizes and SHA-256", () => {
    const items = itemsIn(productsOf(stream).values());
    for (const { path, size, sha256 } of items) {
      const bytes = readFileSync(join(stream, path));
      expect({ path, size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") }).toEqual({
        path,
        size,
        sha256,
      });
    }
    const named = new Set(items.map(({ path }) => path));
    const there = readdirSync(stream, { recursive: true, encoding: "utf8" }).filter(
      (path) => statSync(join(stream, path)).isFile() && !path.startsWith("streams/"),
    );
    expect(there.sort()).toEqual([...named].sort());
  });

  test("lists in its index the products of its product files", () => {
    const { index, format, updated } = json(stream, "streams/v1/index.json");
    expect({ format, updated }).toEqual({ format: "index:1.0", updated: "Wed, 11 Feb 2026  9:30:00 +0000" });
    for (const [contentId, entry] of Object.entries(index as Record<string, Record<string, unknown>>)) {
      const list = json(stream, entry.path as string);
      expect(entry).toEqual({
        datatype: "image-ids",
        format: "products:1.0",
        path: `streams/v1/${contentId}.json`,
        products: Object.keys(list.products),
        updated: list.updated,
      });
      expect([list.content_id, list.format]).toEqual([contentId, "products:1.0"]);
    }
  });

  test("has the fields and files that MAAS requires for each product", () => {
    for (const [name, { versions, ...fields }] of productsOf(stream)) {
      const keys = Object.values(versions).map(({ items }) => Object.keys(items));
      expect(fields).toMatchObject({ arch: expect.any(String), os: expect.any(String), label: "stable" });
      if (name.includes(":1:")) {
        expect(["pxelinux pxe i386", "grub-efi-signed uefi amd64", "grub-efi uefi arm64"]).toContain(
          `${fields.os} ${fields["bootloader-type"]} ${fields.arch}`,
        );
        continue;
      }
      expect(Object.keys(fields)).toEqual(
        expect.arrayContaining(["release", "release_title", "subarch", "subarches", "version"]),
      );
      if (fields.os === "ubuntu") {
        expect(name).toMatch(/^com\.ubuntu\.maas\.stable:v3:boot:\d\d\.04:(amd64|arm64):(ga|hwe)-/);
        expect(fields.release_title).toMatch(/LTS$/);
        for (const each of keys) expect(each).toEqual(["boot-initrd", "boot-kernel", "manifest", "squashfs"]);
      } else {
        for (const each of keys) expect(each).toContain("manifest");
      }
    }
  });
});

describe("Ubuntu's stream", () => {
  const noble = "com.ubuntu.maas.stable:v3:boot:24.04:amd64";

  test("has the products of images.maas.io, each in several versions", () => {
    const products = productsOf(ubuntu);
    expect([...products.keys()].sort()).toEqual([
      "com.ubuntu.maas.stable:1:grub-efi-signed:uefi:amd64",
      "com.ubuntu.maas.stable:1:grub-efi:uefi:arm64",
      "com.ubuntu.maas.stable:1:pxelinux:pxe:i386",
      "com.ubuntu.maas.stable:centos-bases:8.0:amd64",
      "com.ubuntu.maas.stable:centos-bases:9.0:amd64",
      "com.ubuntu.maas.stable:v3:boot:22.04:amd64:ga-22.04",
      "com.ubuntu.maas.stable:v3:boot:22.04:amd64:hwe-22.04",
      "com.ubuntu.maas.stable:v3:boot:22.04:arm64:ga-22.04",
      "com.ubuntu.maas.stable:v3:boot:22.04:arm64:hwe-22.04",
      "com.ubuntu.maas.stable:v3:boot:24.04:amd64:ga-24.04",
      "com.ubuntu.maas.stable:v3:boot:24.04:amd64:ga-24.04-lowlatency",
      "com.ubuntu.maas.stable:v3:boot:24.04:amd64:hwe-24.04",
      "com.ubuntu.maas.stable:v3:boot:24.04:arm64:ga-24.04",
      "com.ubuntu.maas.stable:v3:boot:24.04:arm64:hwe-24.04",
    ]);
    for (const { versions } of products.values()) expect(Object.keys(versions).length).toBeGreaterThan(1);
  });

  test("has one squashfs for all kernels of a version, and one kernel for all versions of a month", () => {
    const products = productsOf(ubuntu);
    const items = (kernel: string, serial: string) =>
      products.get(`${noble}:${kernel}`)?.versions[serial]?.items;
    const ga = items("ga-24.04", "20260127");
    const hwe = items("hwe-24.04", "20260127");
    expect(hwe?.squashfs).toEqual(ga?.squashfs);
    expect(items("ga-24.04-lowlatency", "20260127")?.manifest).toEqual(ga?.manifest);
    expect(hwe?.["boot-kernel"]?.sha256).not.toBe(ga?.["boot-kernel"]?.sha256);
    const [january, february] = ["20260113", "20260210"].map((serial) => items("ga-24.04", serial));
    expect(january?.["boot-kernel"]?.sha256).toBe(ga?.["boot-kernel"]?.sha256);
    expect(january?.["boot-kernel"]?.path).not.toBe(ga?.["boot-kernel"]?.path);
    expect(february?.["boot-kernel"]?.sha256).not.toBe(ga?.["boot-kernel"]?.sha256);
  });

  test("describes a kernel with the same fields as images.maas.io", () => {
    const product = productsOf(ubuntu).get(`${noble}:ga-24.04-lowlatency`);
    const { versions, ...fields } = product ?? { versions: {} };
    expect(fields).toEqual({
      arch: "amd64",
      kflavor: "lowlatency",
      krel: "noble",
      label: "stable",
      os: "ubuntu",
      release: "noble",
      release_codename: "Noble Numbat",
      release_title: "24.04 LTS",
      subarch: "ga-24.04",
      subarches:
        "generic,hwe-p,hwe-q,hwe-r,hwe-s,hwe-t,hwe-u,hwe-v,hwe-w,ga-16.04,ga-16.10,ga-17.04,ga-17.10,ga-18.04,ga-18.10,ga-19.04,ga-19.10,ga-20.04,ga-20.10,ga-21.04,ga-21.10,ga-22.04,ga-22.10,ga-23.04,ga-23.10,ga-24.04",
      support_eol: "2029-05-31",
      support_esm_eol: "2034-04-25",
      version: "24.04",
    });
    expect(versions["20260210"]?.items["boot-initrd"]).toMatchObject({
      ftype: "boot-initrd",
      kpackage: "linux-image-lowlatency",
      path: "noble/amd64/20260210/ga-24.04/lowlatency/boot-initrd",
    });
  });
});

describe("a stream that is written after another one", () => {
  test("keeps the unchanged product files and the files of images of the previous stream", async () => {
    const lists: ProductList[] = ubuntuImages.map((list) => ({
      ...list,
      products: list.products.map((product) =>
        product.fields.release === "centos9"
          ? { ...product, serials: [...product.serials, "20260101_01"] }
          : product,
      ),
    }));
    const next = join(directory, "next");
    const key = await archiveKey("images");
    const updated = new Date("2026-02-12T00:00:00Z");
    await writeImageStream(next, { lists, key, updated, previous: ubuntu });
    const inode = (stream: string, path: string) => statSync(join(stream, path)).ino;
    const list = (id: string) => `streams/v1/com.ubuntu.maas:stable:${id}`;
    for (const id of ["v3:download", "1:bootloader-download"]) {
      expect(json(next, `${list(id)}.json`).updated).toBe("Wed, 11 Feb 2026  9:30:00 +0000");
      expect(inode(next, `${list(id)}.sjson`)).toBe(inode(ubuntu, `${list(id)}.sjson`));
    }
    const changed = json(next, `${list("centos-bases-download")}.json`);
    expect(changed.updated).toBe("Thu, 12 Feb 2026  0:00:00 +0000");
    expect(json(next, "streams/v1/index.json").updated).toBe(changed.updated);
    expect(inode(next, "noble/amd64/20260210/squashfs")).toBe(inode(ubuntu, "noble/amd64/20260210/squashfs"));
    expect(statSync(join(next, "centos/centos9/amd64/20260101_01/root-tgz")).size).toBeGreaterThan(1000);
  });
});
