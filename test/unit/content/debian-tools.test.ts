import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import { readLocalPackage } from "../../../content/apt/local-package.ts";
import { sourcesEntry } from "../../../content/apt/sources-entry.ts";
import { compareVersions } from "../../../content/apt/version.ts";
import { decompress } from "../../../content/decompress.ts";
import { trustedKeys, ubuntuArchiveKey } from "../../../content/openpgp/keyring.ts";

describe("against Debian's own tools", () => {
  test("versions are in dpkg's order", () => {
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

  test("xz and gzip unpack, and stop at the maximum", async () => {
    const text = Buffer.alloc(300_000, "abc");
    const xz = execFileSync("xz", ["-c"], { input: text });
    expect((await decompress(xz, "xz", 300_000, "x")).equals(text)).toBe(true);
    await expect(decompress(xz, "xz", 299_999, "x")).rejects.toThrow(/more than 299999 bytes/);
    await expect(decompress(xz.subarray(0, -20), "xz", 300_000, "x")).rejects.toThrow(/unpacking x/);
    expect((await decompress(gzipSync(text), "gz", 300_000, "x")).equals(text)).toBe(true);
    await expect(decompress(gzipSync(text), "gz", 1000, "x")).rejects.toThrow(/more than 1000 bytes/);
  });

  test("the built-in key is the one that gpg sees under that fingerprint", async () => {
    const { armored, fingerprints } = await trustedKeys();
    expect(fingerprints).toEqual([ubuntuArchiveKey]);
    const shown = execFileSync("gpg", ["--show-keys", "--with-colons"], {
      input: armored,
      stdio: ["pipe", "pipe", "ignore"],
    }).toString();
    expect(shown).toContain(`fpr:::::::::${ubuntuArchiveKey}:`);
  });

  test("a sources entry has the key in it, blank lines as dots", () => {
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
