import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { readLocalPackage } from "../../../content/apt/local-package.ts";
import { sourcesEntry } from "../../../content/apt/sources-entry.ts";
import { compareVersions } from "../../../content/apt/version.ts";
import { type Compression, decompress } from "../../../content/decompress.ts";
import { trustedKeys, ubuntuArchiveKey } from "../../../content/openpgp/keyring.ts";

describe("compared with Debian's tools", () => {
  test("versions have the same order as in dpkg", () => {
    const versions = [
      "1",
      "1.0",
      "1:0",
      "0:1",
      "1.0-1",
      "1.0-1ubuntu1",
      "1.0~rc1",
      "1.0~~",
      "1.0+b1",
      "1.0a",
      "1.00",
      "1.10",
      "1.9",
      "2.36-9+deb12u14",
      "1.0-0",
      "1.0-1~bpo1",
      "1-2-3",
      "1.0-a.b",
    ];
    for (const a of versions) {
      for (const b of versions) {
        const sign = Math.sign(compareVersions(a, b));
        const relation = sign < 0 ? "lt" : sign > 0 ? "gt" : "eq";
        expect([a, b, relation, spawnSync("dpkg", ["--compare-versions", a, relation, b]).status]).toEqual([
          a,
          b,
          relation,
          0,
        ]);
      }
    }
  });

  test.each(["gzip", "xz", "zstd", "none"])("a .deb packed with %s is read", async (packing) => {
    const directory = mkdtempSync(join(tmpdir(), "deb-"));
    try {
      mkdirSync(join(directory, "x/DEBIAN"), { recursive: true });
      writeFileSync(
        join(directory, "x/DEBIAN/control"),
        "Package: ours\nVersion: 1:2-3\nArchitecture: all\nMaintainer: a <a@b>\nDepends: libc6,\n libx\nDescription: x\n",
      );
      execFileSync("dpkg-deb", [`-Z${packing}`, "--root-owner-group", "-b", "x", "x.deb"], {
        cwd: directory,
        stdio: "pipe",
      });
      const bytes = readFileSync(join(directory, "x.deb"));
      const found = await readLocalPackage(bytes, "x.deb");
      expect(found).toMatchObject({
        name: "ours",
        version: "1:2-3",
        architecture: "all",
        size: bytes.length,
      });
      expect(found.field("Depends")).toBe("libc6, libx");
      await expect(readLocalPackage(bytes.subarray(0, 100), "x.deb")).rejects.toThrow(/truncated or damaged/);
      await expect(readLocalPackage(Buffer.from("hello"), "x.deb")).rejects.toThrow(/not a Debian package/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test.each<[Compression, string]>([
    ["xz", "xz"],
    ["gz", "gzip"],
    ["zst", "zstd"],
    ["bz2", "bzip2"],
  ])("data packed as %s is unpacked, or refused if too large or cut off", async (compression, tool) => {
    const noise = createHash("sha512").update("noise").digest();
    const texts = [
      Buffer.alloc(0),
      Buffer.from("a"),
      Buffer.alloc(300_000, "abc"),
      // Longer than a block of bzip2, with runs whose lengths are near the limits of its run-length coding.
      Buffer.concat(
        Array.from({ length: 3000 }, (_, at) => Buffer.alloc(at % 700, noise[at % 64] as number)),
      ),
      Buffer.concat(
        Array.from({ length: 20_000 }, (_, at) => createHash("sha512").update(String(at)).digest()),
      ),
    ];
    for (const text of texts) {
      const packed = execFileSync(tool, ["-c"], { input: text, maxBuffer: 1 << 28 });
      expect((await decompress(packed, compression, text.length, "x")).equals(text)).toBe(true);
      if (text.length === 0) continue;
      await expect(decompress(packed, compression, text.length - 1, "x")).rejects.toThrow(
        new RegExp(`unpacking x: it has more than ${text.length - 1} bytes`),
      );
      await expect(decompress(packed.subarray(0, -9), compression, text.length, "x")).rejects.toThrow(
        new RegExp(`unpacking x: it is not valid ${compression} data`),
      );
    }
  });

  test("bzip2 data with several parts and block sizes is unpacked, and damage is detected", async () => {
    const text = Buffer.alloc(250_000, "some words, ");
    const parts = [1, 9].map((size) => execFileSync("bzip2", [`-${size}c`], { input: text }));
    const both = await decompress(Buffer.concat(parts), "bz2", 500_000, "x");
    expect(both.equals(Buffer.concat([text, text]))).toBe(true);
    const [packed = Buffer.alloc(0)] = parts;
    for (let at = 0; at < packed.length; at += 5) {
      const damaged = Buffer.from(packed);
      damaged[at] = (damaged[at] as number) ^ 0x10;
      // Some bits have no effect, such as those of a code for a symbol that does not occur.
      const found = await decompress(damaged, "bz2", 500_000, "x").catch((error: Error) => error.message);
      if (typeof found === "string") expect(found).toMatch(/it is not valid bz2 data|more than 500000 bytes/);
      else expect(found.equals(text)).toBe(true);
    }
  });

  test("gpg shows the expected fingerprint for the built-in key", async () => {
    const { armored, fingerprints } = await trustedKeys();
    expect(fingerprints).toEqual([ubuntuArchiveKey]);
    const shown = execFileSync("gpg", ["--show-keys", "--with-colons"], {
      input: armored,
      stdio: ["pipe", "pipe", "ignore"],
    }).toString();
    expect(shown).toContain(`fpr:::::::::${ubuntuArchiveKey}:`);
  });

  test("a sources entry has the key with dots for blank lines, or the path of the key", () => {
    const entry = {
      url: "http://m/ubuntu",
      suites: ["noble", "noble-updates"],
      components: ["main"],
      architectures: ["amd64"],
    };
    expect(sourcesEntry({ ...entry, signedBy: "-----BEGIN\n\nabc\n-----END\n" })).toBe(
      "Types: deb\nURIs: http://m/ubuntu\nSuites: noble noble-updates\nComponents: main\nArchitectures: amd64\nSigned-By:\n -----BEGIN\n .\n abc\n -----END\n",
    );
    expect(sourcesEntry({ ...entry, signedBy: "/k.gpg" })).toContain("\nSigned-By: /k.gpg\n");
  });
});
