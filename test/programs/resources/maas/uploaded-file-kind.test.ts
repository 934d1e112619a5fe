import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { refuseOtherKind } from "../../../../content/deployable.ts";
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

const rootFs = () => tar([], ["etc/passwd", "usr/bin/true"]);
const disk = Buffer.alloc(4096, 7);
const xz = Buffer.from("fd377a585a000004e6d6b446", "hex");
const bzip2 = Buffer.from("BZh91AY&SY");

describe("a file that MAAS could not deploy as what it is declared as is refused:", () => {
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
      "the same in the form of pax",
      () => gzipSync(tar(["--format=pax"], ["disk.raw"])),
      "tgz",
      /first file is disk\.raw/,
    ],
    [
      "the same with its folder",
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
      "an archive called .gz",
      () => gzipSync(rootFs()),
      "ddgz",
      /contains a tar archive, which would be written to the disk/,
    ],
    ["an archive called .img", rootFs, "ddraw", /contains a tar archive.*\n.*ddtar/],
    ["a disk that is not packed called .tar.gz", () => disk, "tgz", /it is not compressed with gzip/],
    ["xz called .gz", () => xz, "ddgz", /compressed with xz, not compressed with gzip/],
    ["bzip2 called .tar.xz", () => bzip2, "txz", /compressed with bzip2, not compressed with xz/],
    ["gzip called .img", () => gzipSync(disk), "ddraw", /it is compressed with gzip:/],
    [
      "a qcow2 called .img",
      () => Buffer.concat([Buffer.from("QFI\xfb", "latin1"), disk]),
      "ddraw",
      /in the format qcow2.*\n.*qemu-img convert/,
    ],
    [
      "a packed qcow2 called .gz",
      () => gzipSync(Buffer.concat([Buffer.from("QFI\xfb", "latin1"), disk])),
      "ddgz",
      /in the format qcow2/,
    ],
    ["a vmdk called .img", () => Buffer.concat([Buffer.from("KDMV"), disk]), "ddraw", /in the format vmdk/],
    ["something of two bytes", () => Buffer.from("ab"), "tgz", /it is not compressed with gzip/],
    ["half a header of gzip", () => Buffer.from("1f8b", "hex"), "tgz", /no tar archive/],
  ])("%s", async (_, content, fileType, found) => {
    expect(await refusal(content(), fileType)).toMatch(found);
  });

  test.each<[string, () => Buffer, string]>([
    ["an archive of a root file system", () => gzipSync(rootFs()), "tgz"],
    ["one that has an image somewhere below", () => gzipSync(tar([], ["boot/grub/core.img"])), "tgz"],
    ["one with pax headers", () => gzipSync(tar(["--format=pax"], ["etc/a", "etc/b"])), "tgz"],
    ["a tar archive of a disk image", () => gzipSync(tar([], ["root-dd.raw"])), "ddtgz"],
    ["one whose disk has no such name", () => gzipSync(tar([], ["windows"])), "ddtgz"],
    ["the same that is not packed", () => tar([], ["root-dd.raw"]), "ddtar"],
    ["a packed disk image", () => gzipSync(disk), "ddgz"],
    ["a raw one", () => disk, "ddraw"],
    ["xz", () => xz, "txz"],
    ["xz of a disk", () => xz, "ddxz"],
    ["bzip2", () => bzip2, "ddbz2"],
  ])("but not %s", async (_, content, fileType) => {
    expect(await refusal(content(), fileType)).toBe("");
  });

  test("before much of it was unpacked", async () => {
    expect(await refusal(gzipSync(Buffer.alloc(64 << 20)), "tgz")).toMatch(/no tar archive/);
  });
});
