import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { ArchiveRequest } from "../../../content/apt/archive-request.ts";
import { signedPieces } from "../../../content/apt/as-signed.ts";
import { IndexBudget } from "../../../content/apt/index-budget.ts";
import { planMirrorSigned } from "../../../content/apt/mirror-signed-plan.ts";
import { planUpstreamSigned } from "../../../content/apt/plan.ts";
import {
  clearsign,
  newKey,
  publish,
  readSmall,
  releaseText,
  type SmallArchive,
  sha256,
  smallArchive,
  stanza,
} from "./small-archive.ts";

const key = await newKey();
let directory: string;
let archive: SmallArchive;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hostile-index-"));
  archive = smallArchive();
});
afterEach(() => rm(directory, { recursive: true }));

const read = (changes: Partial<ArchiveRequest> = {}) => readSmall(archive, key, directory, changes);

const published = async (packages: string, changes: Partial<ArchiveRequest> = {}) => {
  await publish(archive, key, "noble", packages);
  return read(changes);
};

/** Publishes indices with these names, listed with their digests. */
async function publishFiles(
  files: Record<string, Buffer>,
  listed: Record<string, Buffer> = {},
): Promise<void> {
  for (const [path, bytes] of Object.entries(files)) archive.files.set(`dists/noble/${path}`, bytes);
  const all = Object.entries({ ...listed, ...files });
  archive.files.set(
    "dists/noble/InRelease",
    await clearsign(releaseText("noble", all, { "Acquire-By-Hash": "" }), key),
  );
}

const namesOf = (plan: { readonly rows: readonly { readonly package?: { readonly name: string } }[] }) =>
  plan.rows.flatMap((row) => row.package?.name ?? []).sort();

describe("invalid packages in an index", () => {
  const continued = stanza("bad", "1").replace(/^(Filename: .*)$/m, "$1\n /../../../../etc/profile.d/x.sh");

  test("a package with a path of two lines is refused, unless the filter leaves it out", async () => {
    const found = await published(continued + stanza("good", "1"));
    expect(() => planUpstreamSigned(found)).toThrow(
      /reading dists\/noble\/main\/binary-amd64\/Packages: package "bad" at byte 0 has a filename of several lines/,
    );
    expect(() => planMirrorSigned(found)).toThrow(/"bad"[\s\S]*filter\.exclude: \[bad\]/);
    expect(() => planMirrorSigned(found, { include: ["bad"] })).toThrow(/"bad"/);
    expect(namesOf(planMirrorSigned(found, { include: ["good"] }))).toEqual(["good"]);
    expect(namesOf(planMirrorSigned(found, { exclude: ["bad"] }))).toEqual(["good"]);
  });

  test("an invalid package that a selected package needs is refused, not reported as missing", async () => {
    const found = await published(continued + stanza("good", "1", { Depends: "bad (>= 1)" }));
    expect(() => planMirrorSigned(found, { include: ["good"] })).toThrow(/"bad" at byte 0 has a filename/);
  });

  test("an invalid relation is reported as missing, and the other relations are followed", async () => {
    const found = await published(
      stanza("a", "1", { Depends: "b (>= 1, c d, e:any (>> 1) [amd64] <!nocheck>, f" }) +
        stanza("e", "2") +
        stanza("f", "1"),
    );
    const plan = planMirrorSigned(found, { include: ["a"] });
    expect(plan.missing.map(({ needs }) => needs)).toEqual(["b (>= 1", "c d"]);
    expect(namesOf(plan)).toEqual(["a", "e", "f"]);
  });

  test("an invalid debug package is an error only if it is selected", async () => {
    const found = await published(stanza("a-dbgsym", "1", { Size: "x" }) + stanza("good", "1"));
    expect(namesOf(planMirrorSigned(found))).toEqual(["good"]);
    expect(() => planMirrorSigned(found, { include: ["a-dbgsym"] })).toThrow(
      /"a-dbgsym" at byte 0 has an invalid Size/,
    );
    const all = { ...found, extras: { debugPackages: true } };
    expect(() => planMirrorSigned(all)).toThrow(/"a-dbgsym" at byte 0 has an invalid Size/);
  });

  test("an invalid package is ignored if the index has a newer valid version of it", async () => {
    const found = await published(stanza("a", "1", { Size: "x" }) + stanza("a", "2"));
    expect(planMirrorSigned(found).rows.map((row) => row.package?.version)).toEqual(["2"]);
    const newer = await published(stanza("a", "3", { Size: "x" }) + stanza("a", "2"));
    expect(() => planMirrorSigned(newer)).toThrow(/"a" at byte 0 has an invalid Size/);
  });

  test("a package with two names is refused under both, unless the filter excludes both", async () => {
    const found = await published(`Package: x\n${stanza("a", "1")}${stanza("good", "1")}`);
    for (const name of ["x", "a"]) {
      expect(() => planMirrorSigned(found, { include: [name] })).toThrow(
        /package "x" or "a" at byte 0 has Package twice/,
      );
    }
    expect(namesOf(planMirrorSigned(found, { exclude: ["x", "a"] }))).toEqual(["good"]);
    expect(() => planMirrorSigned(found, { exclude: ["x"] })).toThrow(/Package twice/);
  });

  test("a package without a name is refused only if all packages are selected", async () => {
    const found = await published(`Version: 1\n\n${stanza("good", "1")}`);
    expect(() => planMirrorSigned(found)).toThrow(/a package at byte 0 lacks Package[\s\S]*filter\.include/);
    expect(namesOf(planMirrorSigned(found, { include: ["good"] }))).toEqual(["good"]);
  });

  test("a package that reprepro refuses is refused with signing: mirror, and kept with signing: upstream", async () => {
    const found = await published(
      stanza("Upper", "1") + stanza("b", "1_2") + stanza("good", "1", { Source: "Up" }),
    );
    expect(namesOf(planUpstreamSigned(found))).toEqual(["Upper", "b", "good"]);
    expect(() => planMirrorSigned(found)).toThrow(
      /reprepro refuses Upper 1 \(noble\/main\): its name [\s\S]*also b, good[\s\S]*filter\.exclude: \[Upper, b, good\][\s\S]*"upstream"/,
    );
    expect(() => planMirrorSigned(found, { include: ["b"] })).toThrow(
      /b 1_2[\s\S]*version "1_2" has other characters/,
    );
    expect(planMirrorSigned(found, { exclude: ["Upper", "b", "go*"] }).rows).toEqual([]);
  });

  test("two packages with one file name in reprepro's pool are refused with signing: mirror", async () => {
    await publish(archive, key, "noble", stanza("a", "1:1"));
    await publish(archive, key, "noble-updates", stanza("a", "2:1", { Filename: "pool/u/a.deb" }));
    const found = await read({ suites: ["noble", "noble-updates"] });
    expect(() => planMirrorSigned(found)).toThrow(
      /a 1:1 of noble and a 2:1 of noble-updates are different packages[\s\S]*pool\/main\/a\/a\/a_1_amd64\.deb[\s\S]*"upstream"/,
    );
    expect(planUpstreamSigned(found).packages).toBe(2);
  });

  test.each(["__proto__", "constructor", "hasOwnProperty", "toString"])(
    "a package called %s is treated like any other package",
    async (name) => {
      const found = await published(
        stanza(name, "1", { Depends: `good, ${name}` }) +
          stanza("good", "1", { Provides: name, Section: name }),
      );
      expect(namesOf(planUpstreamSigned(found))).toContain(name);
      if (/^[a-z]+$/.test(name)) {
        const plan = planMirrorSigned(found, { include: [name], sections: [name] });
        expect(namesOf(plan)).toEqual([name, "good"].sort());
      } else {
        expect(() => planMirrorSigned(found, { include: [name] })).toThrow(/reprepro refuses/);
      }
    },
  );

  test("all filters that match no package are named in the error", async () => {
    const found = await published(stanza("a", "1"));
    expect(() =>
      planMirrorSigned(found, { include: ["x", "a", "y*"], sections: ["net", "z", "universe/w"] }),
    ).toThrow(
      /include: x, y\* match no package of the suites; sections: z, universe\/w match no package of the suites/,
    );
  });
});

describe("contradictory files in indices", () => {
  const twin = { SHA256: sha256("a 1") };

  test.each<[string, string, RegExp]>([
    [
      "one content with two sizes",
      stanza("a", "1") + stanza("b", "1", { ...twin, Size: "7" }),
      new RegExp(
        `${sha256("a 1")} has two sizes: 1000 bytes at pool/main/a_1_amd64.deb \\(a 1 in noble/main\\) and 7 bytes at pool/main/b_1_amd64.deb \\(b 1 in noble/main\\)`,
      ),
    ],
    [
      "one path with two sizes",
      stanza("a", "1") + stanza("b", "1", { ...twin, Size: "7", Filename: "pool/main/a_1_amd64.deb" }),
      /a_1_amd64\.deb has two contents/,
    ],
    [
      "a path that is the directory of another path",
      stanza("a", "1", { Filename: "pool/x" }) + stanza("b", "1", { Filename: "pool/x/b.deb" }),
      /pool\/x is a file \(a 1 in noble\/main\) and also the directory of pool\/x\/b\.deb \(b 1/,
    ],
    [
      "the path of InRelease",
      stanza("a", "1", { Filename: "dists/noble/InRelease" }),
      /dists\/noble\/InRelease has two contents/,
    ],
    [
      "a path below InRelease",
      stanza("a", "1", { Filename: "dists/noble/InRelease/a.deb" }),
      /dists\/noble\/InRelease is a file \(listed for dists\/noble\/InRelease\) and also the directory/,
    ],
    [
      "the directory pool as a path",
      stanza("a", "1", { Filename: "pool" }),
      /has an invalid Filename: "pool"/,
    ],
    [
      "a file name of 256 characters",
      stanza("a", "1", { Filename: `pool/${"x".repeat(256)}` }),
      /has an invalid Filename|lists an invalid path/,
    ],
  ])("%s: refused with signing: upstream and with signing: mirror", async (_, packages, message) => {
    const found = await published(packages);
    expect(() => planUpstreamSigned(found)).toThrow(message);
    expect(() => planMirrorSigned(found)).toThrow(message);
  });

  test("one content with two sizes in two indices is refused, unless only one of them is selected", async () => {
    await publish(archive, key, "noble", stanza("a", "1"));
    await publish(archive, key, "noble-updates", stanza("b", "1", { ...twin, Size: "7" }));
    const found = await read({ suites: ["noble", "noble-updates"] });
    expect(() => planUpstreamSigned(found)).toThrow(
      /two sizes.*\(a 1 in noble\/main\).*\(b 1 in noble-updates\/main\)/,
    );
    expect(() => planMirrorSigned(found)).toThrow(/two sizes/);
    expect(namesOf(planMirrorSigned(found, { include: ["a"] }))).toEqual(["a"]);
  });

  test("a package with the digest of an index and another size is refused", async () => {
    await publish(archive, key, "noble", stanza("a", "1", { SHA256: sha256(gzipSync("commands")) }));
    const found = await read();
    expect(() => planMirrorSigned(found)).toThrow(
      /two sizes: \d+ bytes at dists\/noble\/main\/cnf\/Commands-amd64\.gz/,
    );
  });
});

describe("source packages", () => {
  const digest = sha256("dsc");
  const source = (changes: Record<string, string> = {}) =>
    Object.entries({
      Package: "s",
      Version: "1",
      Directory: "pool/main/s",
      Files: `\n ${"0".repeat(32)} 3 s.dsc`,
      "Checksums-Sha256": `\n ${digest} 3 s.dsc`,
      ...changes,
    })
      .filter(([, value]) => value !== "")
      .map(([field, value]) => `${field}: ${value}\n`)
      .join("");
  const planned = async (text: string) => {
    await publishFiles({
      "main/binary-amd64/Packages.gz": gzipSync(stanza("a", "1", { Source: "s (1)" })),
      "main/source/Sources.gz": gzipSync(text),
    });
    return read({ extras: { sources: true } });
  };

  test("have their files in the plan, also without a Directory or with one such as ./x/", async () => {
    const found = await planned(source());
    const expected = { path: "pool/main/s/s.dsc", size: 3, sha256: digest };
    expect(planUpstreamSigned(found).files).toContainEqual(expect.objectContaining(expected));
    expect(planMirrorSigned(found, { include: ["a"] }).files).toContainEqual(
      expect.objectContaining(expected),
    );
    expect((await planned(source({ Directory: "" }))).suites[0]?.indices[1]?.sources[0]?.path).toBe("s.dsc");
    expect((await planned(source({ Directory: "./x/" }))).suites[0]?.indices[1]?.sources[0]?.path).toBe(
      "x/s.dsc",
    );
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ["a directory of two lines", { Directory: "pool\n /../../etc" }, /has a directory of several lines/],
    ["a directory outside the archive", { Directory: "pool/../.." }, /lists an invalid file/],
    [
      "a file outside its directory",
      { "Checksums-Sha256": `\n ${digest} 3 ../s.dsc` },
      /lists an invalid file/,
    ],
    [
      "a file in a subdirectory",
      { "Checksums-Sha256": `\n ${digest} 3 x/s.dsc`, Files: "" },
      /lists an invalid file/,
    ],
    [
      "a file on the first line of a list",
      { "Checksums-Sha256": `${digest} 3 s.dsc` },
      /first line of checksums-sha256/,
    ],
    [
      "a blank line in a list",
      { "Checksums-Sha256": `\n \n ${digest} 3 s.dsc` },
      /invalid line in [\w-]+: ""/,
    ],
    [
      "an additional file in another list",
      { Files: `\n ${"0".repeat(32)} 3 s.dsc\n ${"0".repeat(32)} 3 t.dsc` },
      /"t\.dsc" in files, but not with the same size/,
    ],
    [
      "another size in another list",
      { Files: `\n ${"0".repeat(32)} 4 s.dsc` },
      /"s\.dsc" in files, but not with the same size/,
    ],
    [
      "a duplicate file in a list",
      { "Checksums-Sha256": `\n ${digest} 3 s.dsc\n ${digest} 3 s.dsc` },
      /twice in checksums-sha256/,
    ],
    [
      "two lists of SHA-256 digests",
      { "checksums-sha256": `\n ${digest} 3 s.dsc` },
      /has checksums-sha256 twice/,
    ],
    [
      "no list of SHA-256 digests",
      { "Checksums-Sha256": "" },
      /lacks Package, Version or a Checksums-Sha256 list/,
    ],
  ])("are refused with %s if they are selected", async (_, changes, message) => {
    const found = await planned(source(changes));
    expect(() => planUpstreamSigned(found)).toThrow(message);
    expect(() => planMirrorSigned(found, { include: ["a"] })).toThrow(message);
  });

  test("are ignored if they are invalid and no selected package is built from them", async () => {
    const found = await planned(`${source()}\n${source({ Package: "other", Directory: "/etc" })}`);
    expect(planMirrorSigned(found, { include: ["a"] }).files.map(({ path }) => path)).toContain(
      "pool/main/s/s.dsc",
    );
  });
});

describe("forms and sizes of indices", () => {
  const text = Buffer.from(stanza("a", "1"));

  test.each<[string, Buffer]>([
    [".gz", gzipSync(text)],
    [".zst", zstdCompressSync(text)],
    ["", text],
  ])("an index that exists only as Packages%s is read", async (ending, bytes) => {
    await publishFiles({ [`main/binary-amd64/Packages${ending}`]: bytes });
    const exists = async (paths: readonly string[]) => paths.map((path) => archive.files.has(path));
    const found = await read({ exists });
    expect(namesOf(planUpstreamSigned(found))).toEqual(["a"]);
  });

  test("an index that decompresses to more than its signed size is refused", async () => {
    const packed = gzipSync(Buffer.alloc(64 * 1024 * 1024, 10));
    await publishFiles({ "main/binary-amd64/Packages.gz": packed }, { "main/binary-amd64/Packages": text });
    await expect(read()).rejects.toThrow(
      new RegExp(`Packages\\.gz, unpacked,: it is larger than its signed size of ${text.length} bytes`),
    );
  });

  test.each<[string, (bytes: Buffer) => Buffer]>([
    ["gz", gzipSync],
    ["zst", zstdCompressSync],
  ])(
    "an index that decompresses to more than its signed size, or to more than indexLimitMiB, is not decompressed to its end: %s",
    async (form, pack) => {
      const packed = pack(Buffer.alloc(64 * 1024 * 1024, 10));
      // A reader that goes on reports this damage, which is after about 32 MiB.
      packed.fill(0xff, packed.length >> 1);
      const path = `main/binary-amd64/Packages.${form}`;
      await publishFiles({ [path]: packed });
      await expect(read()).rejects.toThrow(new RegExp(`it is not valid ${form} data`));
      await expect(read({ indexLimit: 1_000_000 })).rejects.toThrow(/have more than 976\.6 KiB uncompressed/);
      await publishFiles({ [path]: packed }, { "main/binary-amd64/Packages": text });
      await expect(read()).rejects.toThrow(/unpacked,: it is larger than its signed size/);
    },
  );

  test("an index is read only up to the piece that exceeds its signed size", async () => {
    const source = { pieces: 0, closed: false };
    async function* endless() {
      try {
        for (;;) {
          source.pieces++;
          yield Buffer.alloc(100);
        }
      } finally {
        source.closed = true;
      }
    }
    const read: Uint8Array[] = [];
    const reading = async () => {
      const signed = { size: 250, sha256: "0".repeat(64) };
      for await (const piece of signedPieces(endless(), signed, "Packages", new IndexBudget()))
        read.push(piece);
    };
    await expect(reading()).rejects.toThrow(/larger than its signed size of 250 bytes/);
    expect([read.length, source]).toEqual([2, { pieces: 3, closed: true }]);
  });

  test("an index that decompresses to different or fewer bytes than signed is refused", async () => {
    const other = Buffer.from(String(text).replace("a_1", "b_1"));
    await publishFiles(
      { "main/binary-amd64/Packages.gz": gzipSync(text) },
      { "main/binary-amd64/Packages": other },
    );
    await expect(read()).rejects.toThrow(/unpacked,: its SHA-256 is/);
    await publishFiles(
      { "main/binary-amd64/Packages.gz": gzipSync(text) },
      { "main/binary-amd64/Packages": Buffer.concat([text, text]) },
    );
    await expect(read()).rejects.toThrow(/unpacked,: it is truncated/);
  });

  test.each<[string, Buffer]>([
    ["only newlines", Buffer.alloc(3_000_000, "\n")],
    ["stanzas with an empty field", Buffer.alloc(3_000_000, "a:\n\n")],
    ["many short packages", Buffer.from(stanza("a", "1").repeat(1500))],
  ])("indices over the limit, with at least 1 KiB for each stanza, are refused: %s", async (_, bytes) => {
    await publishFiles({ "main/binary-amd64/Packages.gz": gzipSync(bytes) });
    await expect(read({ indexLimit: 1_000_000 })).rejects.toThrow(
      /have more than 976\.6 KiB uncompressed[\s\S]*upstream\.indexLimitMiB/,
    );
  });

  test("an index that is larger than indexLimitMiB is refused and not fetched", async () => {
    await publishFiles({ "main/binary-amd64/Packages.gz": gzipSync(text) });
    archive.requests.length = 0;
    await expect(read({ indexLimit: 10 })).rejects.toThrow(/more than 10 B uncompressed/);
    expect(archive.requests.filter((path) => path.includes("Packages"))).toEqual([]);
  });

  test("indexLimitMiB limits the indices of all suites, components and architectures together", async () => {
    const suites = ["noble", "noble-updates"];
    for (const suite of suites) await publish(archive, key, suite, stanza("a", "1"));
    // Each package counts 1 KiB, and a few bytes between packages count too.
    for (const suite of suites) await read({ suites: [suite], indexLimit: 1500 });
    await expect(read({ suites, indexLimit: 1500 })).rejects.toThrow(/have more than 1\.5 KiB uncompressed/);
    await read({ suites, indexLimit: 2060 });
    const files = ["main", "universe"].flatMap((component) =>
      ["amd64", "arm64"].map((architecture) => [
        `${component}/binary-${architecture}/Packages.gz`,
        gzipSync(stanza("a", "1")),
      ]),
    );
    await publishFiles(Object.fromEntries(files));
    const all = { components: ["main", "universe"], architectures: ["amd64", "arm64"] };
    await read({ ...all, indexLimit: 4120 });
    await expect(read({ ...all, indexLimit: 4080 })).rejects.toThrow(/have more than 4\.0 KiB uncompressed/);
  });

  test("an index that upstream lists and does not have is named, and so is one that is not listed", async () => {
    const path = "main/binary-amd64/Packages.gz";
    await publishFiles({ [path]: gzipSync(text) });
    archive.files.delete(`dists/noble/${path}`);
    await expect(read()).rejects.toThrow(
      /fetching dists\/noble\/main\/binary-amd64\/Packages\.gz: 404 Not Found/,
    );
    await expect(read({ architectures: ["amd64", "arm64"] })).rejects.toThrow(
      /reading the index of noble: it lists main\/binary-arm64\/Packages in no form/,
    );
    const other = gzipSync(stanza("b", "1"));
    await publishFiles({ [path]: gzipSync(text), "main/binary-arm64/Packages.gz": other });
    // In the cache, the other index is not written while the test ends.
    await read();
    archive.files.delete("dists/noble/main/binary-arm64/Packages.gz");
    await expect(read({ architectures: ["amd64", "arm64"] })).rejects.toThrow(
      /fetching dists\/noble\/main\/binary-arm64\/Packages: .*Release lists packages for arm64/,
    );
  });

  test("a stanza of more than 4 MiB is refused, and the error has its position", async () => {
    await publishFiles({
      "main/binary-amd64/Packages.gz": gzipSync(`\n\nPackage: a\nX: ${"x".repeat(5_000_000)}`),
    });
    await expect(read()).rejects.toThrow(/the stanza at byte 2 \("Package: a.*has more than 4 MiB/);
  });

  test("a file that is not gzip data is reported as invalid data, not as too large", async () => {
    await publishFiles({ "main/binary-amd64/Packages.gz": Buffer.from("<html>") });
    await expect(read()).rejects.toThrow(
      /unpacking dists\/noble\/main\/binary-amd64\/Packages\.gz: it is not valid gz data/,
    );
  });
});
