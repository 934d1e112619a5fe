import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { refuseOtherKind } from "../../../../content/deployable.ts";
import { beginningBytes } from "../../../../content/image-file.ts";
import { imageFileFacts } from "../../../../resources/host/file-facts.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kinds-"));
  process.env.XDG_CACHE_HOME = folder;
});
afterAll(() => rmSync(folder, { recursive: true }));

let number = 0;
function file(content: Buffer): string {
  const path = join(folder, `image-${++number}`);
  writeFileSync(path, content);
  return path;
}

/** A tar archive as GNU tar makes it. */
function tar(options: readonly string[], files: readonly string[]): Buffer {
  const root = mkdtempSync(join(folder, "root-"));
  for (const name of files) {
    const { status } = spawnSync("sh", [
      "-c",
      'mkdir -p "$(dirname "$1")" && echo content >"$1"',
      "sh",
      join(root, name),
    ]);
    if (status !== 0) throw new Error(name);
  }
  const made = spawnSync("tar", [
    "-C",
    root,
    ...options,
    "-cf",
    "-",
    ...(files.length === 1 ? files : ["."]),
  ]);
  if (made.status !== 0) throw new Error(made.stderr.toString());
  return made.stdout;
}

async function refusal(content: Buffer, fileType: string): Promise<string> {
  const path = file(content);
  const facts = await imageFileFacts({ path });
  try {
    refuseOtherKind(path, fileType, facts);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

/** The bytes that this process reads from files meanwhile: `rchar` in proc_pid_io(5). */
async function readBytes(work: () => Promise<unknown>): Promise<number> {
  const count = () => Number(/^rchar: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
  const before = count();
  await work();
  return count() - before;
}

const rootFs = () => tar([], ["etc/passwd", "usr/bin/true"]);
const disk = Buffer.alloc(4096, 7);
const xz = Buffer.from("fd377a585a000004e6d6b446", "hex");
const bzip2 = Buffer.from("BZh91AY&SY");

describe("the check that MAAS can deploy a file as its declared type", () => {
  test.each<[string, () => Buffer, string, RegExp]>([
    [
      "a disk image called .tar.gz",
      () => gzipSync(disk),
      "tgz",
      /contains no tar archive.*\n.*fileType: ddgz/,
    ],
    [
      "a tar archive of a disk image called .tar.gz",
      () => gzipSync(tar([], ["disk.img"])),
      "tgz",
      /first file is disk\.img.*\n.*fileType: ddtgz/,
    ],
    [
      "a tar archive in pax format of a disk image called .tar.gz",
      () => gzipSync(tar(["--format=pax"], ["disk.raw"])),
      "tgz",
      /first file is disk\.raw/,
    ],
    [
      "a tar archive of ./disk.raw called .tar.gz",
      () => gzipSync(tar(["--transform=s,^,./,"], ["disk.raw"])),
      "tgz",
      /first file is \.\/disk\.raw/,
    ],
    [
      "an archive of a root file system called .dd.tar.gz",
      () => gzipSync(rootFs()),
      "ddtgz",
      /begins with .*as an archive of a root file system does/,
    ],
    [
      "a tar archive called .gz",
      () => gzipSync(rootFs()),
      "ddgz",
      /contains a tar archive, which would be written to the disk/,
    ],
    ["a tar archive called .img", rootFs, "ddraw", /contains a tar archive.*\n.*ddtar/],
    ["an uncompressed disk image called .tar.gz", () => disk, "tgz", /it is not compressed with gzip/],
    ["an xz file called .gz", () => xz, "ddgz", /compressed with xz, not compressed with gzip/],
    ["a bzip2 file called .tar.xz", () => bzip2, "txz", /compressed with bzip2, not compressed with xz/],
    ["a gzip file called .img", () => gzipSync(disk), "ddraw", /it is compressed with gzip:/],
    [
      "a qcow2 called .img",
      () => Buffer.concat([Buffer.from("QFI\xfb", "latin1"), disk]),
      "ddraw",
      /in the format qcow2.*\n.*qemu-img convert/,
    ],
    [
      "a compressed qcow2 called .gz",
      () => gzipSync(Buffer.concat([Buffer.from("QFI\xfb", "latin1"), disk])),
      "ddgz",
      /in the format qcow2/,
    ],
    ["a vmdk called .img", () => Buffer.concat([Buffer.from("KDMV"), disk]), "ddraw", /in the format vmdk/],
    ["a file of two bytes", () => Buffer.from("ab"), "tgz", /it is not compressed with gzip/],
    ["half of a gzip header", () => Buffer.from("1f8b", "hex"), "tgz", /no tar archive/],
  ])("refuses %s", async (_, content, fileType, found) => {
    expect(await refusal(content(), fileType)).toMatch(found);
  });

  test.each<[string, () => Buffer, string]>([
    ["an archive of a root file system", () => gzipSync(rootFs()), "tgz"],
    ["an archive with an image in a subdirectory", () => gzipSync(tar([], ["boot/grub/core.img"])), "tgz"],
    ["an archive with pax headers", () => gzipSync(tar(["--format=pax"], ["etc/a", "etc/b"])), "tgz"],
    ["a tar archive of a disk image", () => gzipSync(tar([], ["root-dd.raw"])), "ddtgz"],
    ["a tar archive of a disk image without a suffix", () => gzipSync(tar([], ["windows"])), "ddtgz"],
    ["an uncompressed tar archive of a disk image", () => tar([], ["root-dd.raw"]), "ddtar"],
    ["a compressed disk image", () => gzipSync(disk), "ddgz"],
    ["a raw disk image", () => disk, "ddraw"],
    ["an xz file", () => xz, "txz"],
    ["an xz file of a disk image", () => xz, "ddxz"],
    ["a bzip2 file", () => bzip2, "ddbz2"],
  ])("accepts %s", async (_, content, fileType) => {
    expect(await refusal(content(), fileType)).toBe("");
  });

  test("unpacks only the beginning of a large file, whether it contains a tar archive or not", async () => {
    const large = Buffer.alloc(64 << 20);
    expect(await refusal(gzipSync(large), "tgz")).toMatch(/no tar archive/);
    // The damage is after the beginning: a reader of the whole file would not find an archive.
    const damaged = gzipSync(Buffer.concat([rootFs(), large]));
    damaged.fill(0xff, beginningBytes);
    expect(damaged.length).toBeGreaterThan(beginningBytes);
    expect(await refusal(damaged, "tgz")).toBe("");
  });

  test("reads a file completely only once, for its digest, and later only its beginning", async () => {
    const size = 32 << 20;
    const path = file(Buffer.alloc(size, 7));
    const first = await readBytes(() => imageFileFacts({ path }));
    const second = await readBytes(() => imageFileFacts({ path }));
    expect(first).toBeGreaterThanOrEqual(size);
    expect(second).toBeLessThan(1 << 20);
    writeFileSync(path, Buffer.alloc(size, 8));
    expect(await readBytes(() => imageFileFacts({ path }))).toBeGreaterThanOrEqual(size);
  });
});
