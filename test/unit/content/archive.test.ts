import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { ArchiveRequest } from "../../../content/apt/archive-request.ts";
import { planMirrorSigned } from "../../../content/apt/mirror-signed-plan.ts";
import { parsePlanText, planText, planUpstreamSigned } from "../../../content/apt/plan.ts";
import { comparePlans } from "../../../content/apt/plan-comparison.ts";
import type { ExplainedError } from "../../../errors/explained-error.ts";
import { upstreamSignedWork } from "../../../resources/mirror/apt/work.ts";
import {
  clearsign,
  detach,
  newKey,
  now,
  publish,
  readSmall,
  releaseText,
  type SmallArchive,
  sha256,
  smallArchive,
  stanza,
} from "./small-archive.ts";

const key = await newKey();
const other = await newKey();
const index = stanza("a", "1.0") + stanza("b", "1:2.0-1", { Depends: "a (>= 1.0)" });
let directory: string;
let archive: SmallArchive;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "archive-test-"));
  archive = smallArchive();
});
afterEach(() => rm(directory, { recursive: true }));

const read = (changes: Partial<ArchiveRequest> = {}) => readSmall(archive, key, directory, changes);

/** Publishes a Release with a detached signature. The InRelease beside them has other content. */
async function publishDetached(): Promise<Buffer> {
  await publish(archive, key, "noble", index);
  const text = Buffer.from(
    `${releaseText("noble", [["main/binary-amd64/Packages.gz", archive.files.get(gz()) as Buffer]])}\n`,
  );
  archive.files.set("dists/noble/Release", text);
  archive.files.set("dists/noble/Release.gpg", await detach(text, key));
  return text;
}

const gz = () => [...archive.files.keys()].find((path) => /binary-amd64\/by-hash/.test(path)) ?? "";

describe("reading an archive", () => {
  test("returns the packages of the signed index, the signing key and the Release fields", async () => {
    await publish(archive, key, "noble", index);
    const { suites } = await read();
    expect(suites[0]?.indices[0]?.packages.map(({ name, version }) => `${name} ${version}`)).toEqual([
      "a 1.0",
      "b 1:2.0-1",
    ]);
    expect(suites[0]?.signedBy).toBe(key.getFingerprint().toUpperCase());
    expect(suites[0]?.release.header.Origin).toBe("Ubuntu");
  });

  test("requests only the signed root if nothing has changed", async () => {
    await publish(archive, key, "noble", index);
    await read();
    archive.requests.length = 0;
    await read();
    expect(archive.requests).toEqual(["dists/noble/InRelease"]);
  });

  test("keeps a required index in the plan while upstream lacks it, and does not cache its absence", async () => {
    await publish(archive, key, "noble", index);
    const held = async (exists?: ArchiveRequest["exists"]) =>
      planUpstreamSigned(await read(exists ? { exists } : {}))
        .files.map(({ path }) => path)
        .filter((path) => path.includes("binary-amd64"));
    const whole = await held();
    expect(whole).toContain(gz());
    // Cached files are not fetched, but they belong to the plan.
    expect(await held(async () => [])).toEqual(whole);
    expect(await held(async (paths) => paths.map((path) => path.endsWith(".gz")))).toEqual(whole);
    // When all necessary files are cached, no request is sent.
    expect(await held(() => Promise.reject(new Error("asked")))).toEqual(whole);
  });

  test("reports other indices that upstream lists but does not have, until it has them", async () => {
    await publish(archive, key, "noble", index);
    const without =
      (what: RegExp): NonNullable<ArchiveRequest["exists"]> =>
      async (paths) =>
        paths.map((path) => !what.test(path));
    let now = new Date("2026-06-01T12:00:00Z");
    const held = async (exists: NonNullable<ArchiveRequest["exists"]>) => {
      const [suite] = (await read({ exists, now })).suites;
      return {
        lacking: suite?.lacking,
        i18n: suite?.files.filter(({ path }) => path.includes("i18n")).length,
      };
    };
    expect(await held(without(/i18n/))).toEqual({
      lacking: ["dists/noble/main/i18n/Translation-en"],
      i18n: 0,
    });
    // For some hours no request is sent.
    expect((await held(() => Promise.reject(new Error("asked")))).i18n).toBe(0);
    now = new Date(now.getTime() + 7 * 3_600_000);
    expect(await held(without(/nothing/))).toEqual({ lacking: [], i18n: 2 });
    expect(await held(() => Promise.reject(new Error("asked")))).toEqual({ lacking: [], i18n: 2 });
  });

  test("adds Release and Release.gpg to InRelease once the texts are equal and the signature is valid", async () => {
    const text = await publishDetached();
    const roots = async () => (await read()).suites[0]?.roots.length;
    expect(await roots()).toBe(1);
    archive.files.set("dists/noble/InRelease", await clearsign(text.toString(), key));
    archive.files.set("dists/noble/Release.gpg", await detach(text, other));
    expect(await roots()).toBe(1);
    archive.files.set("dists/noble/Release.gpg", await detach(text, key));
    expect(await roots()).toBe(3);
    archive.requests.length = 0;
    expect(await roots()).toBe(3);
    expect(archive.requests).toEqual(["dists/noble/InRelease"]);
  });

  describe("whose announced by-hash paths do not exist", () => {
    const hashed = () => [...archive.files.keys()].filter((path) => path.includes("/by-hash/"));
    const exists: ArchiveRequest["exists"] = async (paths) => paths.map((path) => archive.files.has(path));

    test("uses plain names, also for the host's fetch, and checks by-hash paths again hours later", async () => {
      await publish(archive, key, "noble", index);
      for (const path of hashed()) archive.files.delete(path);
      const found = await read({ exists });
      expect(found.suites[0]?.indices[0]?.packages).toHaveLength(2);
      expect(found.suites[0]?.lacksByHash).toBe(true);
      const { items } = upstreamSignedWork(found, planUpstreamSigned(found));
      // They are served by hash in any case.
      expect(items.filter(({ to }) => to.includes("/by-hash/"))).toHaveLength(3);
      expect(items.filter(({ from }) => from?.includes("/by-hash/"))).toEqual([]);
      // After some hours it is requested again.
      await publish(archive, key, "noble", index);
      expect((await read({ exists })).suites[0]?.lacksByHash).toBe(true);
      const later = new Date(now.getTime() + 7 * 3_600_000);
      expect((await read({ exists, now: later })).suites[0]?.lacksByHash).toBe(false);
    });

    test("uses the by-hash paths that exist, and the plain name for the missing one", async () => {
      await publish(archive, key, "noble", index);
      const [first = ""] = hashed();
      archive.files.delete(first);
      const found = await read({ exists });
      const { items } = upstreamSignedWork(found, planUpstreamSigned(found));
      const byHash = items.filter(({ to }) => to.includes("/by-hash/"));
      expect(byHash.map(({ from, to }) => to === `tree/${from}`).sort()).toEqual([false, true, true]);
      expect(byHash.find(({ to }) => to === `tree/${first}`)?.from).toBe(
        "dists/noble/main/binary-amd64/Packages.gz",
      );
    });

    test("uses the plain name if the by-hash path disappears after the check", async () => {
      await publish(archive, key, "noble", index);
      const found = await read({
        exists: async (paths) => {
          const answers = paths.map((path) => archive.files.has(path));
          if (paths.some((path) => path.includes("/by-hash/")))
            for (const path of hashed()) archive.files.delete(path);
          return answers;
        },
      });
      expect(found.suites[0]?.indices[0]?.packages).toHaveLength(2);
    });
  });

  test.each<[string, () => Buffer, RegExp]>([
    ["a web page", () => Buffer.from("\n<!DOCTYPE html><html>Sign in</html>"), /it is a web page/],
    ["another web page", () => Buffer.from("<HTML>"), /it is a web page/],
    ["a gzip file", () => gzipSync("Origin: Ubuntu"), /is compressed with gzip/],
    ["an empty file", () => Buffer.alloc(0), /it is empty/],
  ])("reports %s in place of InRelease, and the error does not mention a key", async (_, bytes, message) => {
    await publish(archive, key, "noble", index);
    archive.files.set("dists/noble/InRelease", bytes());
    const failure = await read().then(String, (error: ExplainedError) => error);
    expect(failure).toMatchObject({ explanation: { values: ["upstream.url"] } });
    expect(String(failure)).toMatch(message);
    expect(String(failure)).not.toMatch(/\bkey\b|fingerprint/);
  });

  test("names ports.ubuntu.com if the server lacks the index for arm64, and reports a lost connection", async () => {
    const entries = ["amd64", "arm64"].map((name): [string, Buffer] => [
      `main/binary-${name}/Packages.gz`,
      gzipSync(stanza("a", "1", { Architecture: name })),
    ]);
    const text = releaseText("noble", entries);
    archive.files.set("dists/noble/InRelease", await clearsign(text, key));
    archive.files.set(`dists/noble/${entries[0]?.[0]}`, entries[0]?.[1] as Buffer);
    const failure = await read({ architectures: ["amd64", "arm64"] }).catch((error: ExplainedError) => error);
    expect(failure).toMatchObject({ explanation: { values: ["architectures", "upstream.url"] } });
    expect(String(failure)).toMatch(
      /main\/binary-arm64\/Packages: .*for arm64[\s\S]*http:\/\/ports\.ubuntu\.com\/ubuntu-ports/,
    );
    expect((await read()).suites[0]?.indices).toHaveLength(1);
    // A lost connection does not show whether the server has the file.
    const broken: ArchiveRequest["fetch"] = (path) =>
      path.includes("arm64") ? Promise.reject(new Error("the connection broke")) : archive.fetch(path);
    await expect(read({ architectures: ["amd64", "arm64"], fetch: broken })).rejects.toThrow(
      /the connection broke/,
    );
  });

  test("accepts a component that lacks one of the architectures, and names the unlisted index", async () => {
    const entry = (path: string): [string, Buffer] => [path, gzipSync(stanza("a", "1"))];
    const entries = ["main/binary-amd64", "main/binary-arm64", "extra/binary-amd64"].map((each) =>
      entry(`${each}/Packages.gz`),
    );
    archive.files.set("dists/noble/InRelease", await clearsign(releaseText("noble", entries), key));
    for (const [path, bytes] of entries) archive.files.set(`dists/noble/${path}`, bytes);
    const both = { components: ["main", "extra"], architectures: ["amd64", "arm64"] };
    const [suite] = (await read(both)).suites;
    expect([suite?.indices.length, suite?.unlisted]).toEqual([
      3,
      ["dists/noble/extra/binary-arm64/Packages"],
    ]);
    await expect(read({ components: ["extra"], architectures: ["arm64"] })).rejects.toThrow(
      /extra\/binary-arm64\/Packages in no form/,
    );
  });

  test("reads the archive correctly if the cache is damaged", async () => {
    await publish(archive, key, "noble", index);
    await read();
    for (const file of await readdir(directory)) await writeFile(join(directory, file), "damaged");
    expect((await read()).suites[0]?.indices[0]?.packages).toHaveLength(2);
  });

  test("uses Release and Release.gpg if InRelease does not exist, and verifies the signature", async () => {
    const text = await publishDetached();
    archive.files.delete("dists/noble/InRelease");
    expect((await read()).suites[0]?.roots.map(({ path }) => path)).toEqual([
      "dists/noble/Release",
      "dists/noble/Release.gpg",
    ]);
    archive.files.set("dists/noble/Release.gpg", await detach(text, other));
    await expect(read()).rejects.toThrow(/verifying the signature of dists\/noble\/Release/);
  });

  test.each(["InRelease", "Release", "Release.gpg"])(
    "fails if the connection breaks during the request for %s: the file does not count as missing",
    async (broken) => {
      const text = await publishDetached();
      archive.files.set("dists/noble/InRelease", await clearsign(text.toString(), key));
      const fetch: ArchiveRequest["fetch"] = (path) =>
        path.endsWith(`/${broken}`) ? Promise.reject(new Error("the connection broke")) : archive.fetch(path);
      await expect(read({ fetch })).rejects.toThrow(/the connection broke/);
      expect((await read()).suites[0]?.roots.map(({ path }) => path)).toEqual([
        "dists/noble/InRelease",
        "dists/noble/Release",
        "dists/noble/Release.gpg",
      ]);
    },
  );

  test.each<[string, Record<string, string>, RegExp]>([
    [
      "that has expired",
      { "Valid-Until": "Sun, 31 May 2026 12:00:00 UTC" },
      /valid until 2026-05-31T12:00:00.000Z, 24 hours ago/,
    ],
    ["with a date in the future", { Date: "Wed, 03 Jun 2026 12:00:01 UTC" }, /2026-06-03.*2 days from now/],
    [
      "of another suite",
      { Suite: "jammy", Codename: "jammy" },
      /for suite jammy, codename jammy, not of noble/,
    ],
    [
      "of a pocket that has the suite's codename",
      { Suite: "noble-updates", Codename: "noble" },
      /for suite noble-updates, codename noble, not of noble/,
    ],
    ["without a date", { Date: "" }, /has no Date/],
    ["with an invalid date", { Date: "yesterday" }, /Date cannot be read/],

    ["without the requested architecture", { Architectures: "arm64" }, /no architecture amd64\n.*arm64/],
    ["with control characters", { Label: "a\u0007b" }, /control characters/],
  ])("refuses a Release %s", async (_, fields, message) => {
    await publish(archive, key, "noble", index, fields);
    await expect(read()).rejects.toThrow(message);
  });

  test("accepts a suite that is requested by its codename", async () => {
    await publish(archive, key, "noble", index, { Suite: "stable", Codename: "noble" });
    expect((await read()).suites[0]?.release.header.Suite).toBe("stable");
  });

  test("refuses a Release older than the last accepted one, and accepts the same one again", async () => {
    await publish(archive, key, "noble", index);
    await expect(read({ seen: { noble: { date: "2026-06-01T06:00:01Z" } } })).rejects.toThrow(
      /upstream went back/,
    );
    await expect(read({ seen: { noble: { date: "2026-06-01T06:00:00Z" } } })).resolves.toBeDefined();
  });

  test.each<[string, (text: string) => string, RegExp]>([
    ["only MD5 digests", (text) => text.replace("SHA256:", "MD5Sum:"), /no SHA256 list/],
    [
      "a path outside the archive",
      (text) => `${text}\n ${"0".repeat(64)} 1 ../../etc/passwd`,
      /invalid path.*\.\.\/\.\.\/etc/,
    ],
    [
      "an absolute path",
      (text) => `${text}\n ${"0".repeat(64)} 1 /etc/passwd`,
      /has an invalid Filename|lists an invalid path/,
    ],
    [
      "two digests for one path",
      (text) => `${text}\n ${"0".repeat(64)} 1 main/binary-amd64/Packages.gz`,
      /twice, with different digests/,
    ],
    ["an invalid line", (text) => `${text}\n nonsense`, /is invalid: " nonsense"/],
  ])("refuses a signed Release with %s", async (_, change, message) => {
    await publish(archive, key, "noble", index);
    const text = change(
      releaseText("noble", [["main/binary-amd64/Packages.gz", archive.files.get(gz()) as Buffer]]),
    );
    archive.files.set("dists/noble/InRelease", await clearsign(text, key));
    await expect(read()).rejects.toThrow(message);
  });

  test.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    [
      "with a flipped bit",
      (bytes) => Buffer.from(bytes.map((byte, at) => (at === 20 ? byte ^ 1 : byte))),
      /SHA-256 is/,
    ],
    ["that is truncated", (bytes) => bytes.subarray(0, -7), /truncated: \d+ of \d+ bytes/],
    [
      "that is larger than its signed size",
      (bytes) => Buffer.concat([bytes, Buffer.from("x")]),
      /larger than its signed size/,
    ],
  ])("refuses an index %s, and names it", async (_, change, message) => {
    await publish(archive, key, "noble", index);
    archive.files.set(gz(), change(archive.files.get(gz()) as Buffer));
    await expect(read()).rejects.toThrow(message);
    await expect(read()).rejects.toThrow(/dists\/noble\/main\/binary-amd64\/Packages\.gz.*[\s\S]*What to do/);
  });

  test("reports 404 Not Found for a missing index", async () => {
    await publish(archive, key, "noble", index);
    archive.files.delete(gz());
    archive.files.delete("dists/noble/main/binary-amd64/Packages.gz");
    await expect(read()).rejects.toThrow(/404 Not Found/);
  });

  test.each<[string, string, RegExp]>([
    [
      "a Filename outside the pool",
      stanza("a", "1", { Filename: "pool/../../x" }),
      /has an invalid Filename|lists an invalid path/,
    ],
    [
      "an absolute Filename",
      stanza("a", "1", { Filename: "/etc/x" }),
      /has an invalid Filename|lists an invalid path/,
    ],
    ["no SHA256", stanza("a", "1", { SHA256: "" }), /package "a" at byte 0 lacks SHA256/],
    ["no Size", stanza("b", "1") + stanza("a", "1", { Size: "" }), /"a" at byte \d+ lacks Size/],
    ["an invalid Size", stanza("a", "1", { Size: "-5" }), /has an invalid Size/],
    ["a duplicate field", `Package: x\n${stanza("a", "1")}`, /Package twice/],
    ["a NUL in its name", stanza("a\0b", "1"), /control character/],
    ["invalid characters in its name", stanza("a b;c", "1"), /an invalid name/],
  ])("refuses a package with %s only if the mirror selects it", async (_, packages, message) => {
    await publish(archive, key, "noble", packages + stanza("good", "1"));
    const found = await read();
    expect(() => planUpstreamSigned(found)).toThrow(message);
    expect(() => planMirrorSigned(found)).toThrow(message);
    expect(planMirrorSigned(found, { include: ["good"] }).rows.map((row) => row.package?.name)).toEqual([
      "good",
    ]);
  });
});

describe("verifying signatures", () => {
  test("refuses another key, a changed or extended text, and a damaged or missing signature", async () => {
    await publish(archive, other, "noble", index);
    await expect(read()).rejects.toThrow(/which is not declared/);
    await publish(archive, key, "noble", index);
    const good = String(archive.files.get("dists/noble/InRelease"));
    for (const bad of [
      good.replace("Origin: Ubuntu", "Origin: Ubuntv"),
      `Origin: x\n${good}`,
      `${good}\nmore`,
      good.slice(0, -60),
      "Origin: x\n",
    ]) {
      archive.files.set("dists/noble/InRelease", Buffer.from(bad));
      await expect(read()).rejects.toThrow(/verifying the signature of dists\/noble\/InRelease/);
    }
  });

  test("accepts several signatures if one of them is by a declared key", async () => {
    await publish(archive, key, "noble", index);
    const text =
      String(archive.files.get("dists/noble/InRelease"))
        .split("\n\n")
        .slice(1)
        .join("\n\n")
        .split("\n-----BEGIN PGP SIG")[0] ?? "";
    const { createCleartextMessage, sign } = await import("openpgp");
    const signed = await sign({
      message: await createCleartextMessage({ text }),
      signingKeys: [other, key],
      date: new Date("2026-06-01T06:00:00Z"),
    });
    archive.files.set("dists/noble/InRelease", Buffer.from(signed));
    expect((await read()).suites[0]?.signedBy).toBe(key.getFingerprint().toUpperCase());
  });

  test("refuses a key that has expired since it signed", async () => {
    const brief = await newKey({ keyExpirationTime: 151 * 86_400 + 7 * 3600 });
    await publish(archive, brief, "noble", index);
    await expect(read({ key: brief.toPublic().armor() })).rejects.toThrow(/expired/i);
  });

  test("refuses a revoked key", async () => {
    const { generateKey, revokeKey } = await import("openpgp");
    const pair = await generateKey({
      userIDs: [{ name: "x" }],
      format: "object",
      date: new Date("2026-01-01"),
    });
    await publish(archive, pair.privateKey, "noble", index);
    const { publicKey } = await revokeKey({
      key: pair.publicKey,
      revocationCertificate: pair.revocationCertificate,
      format: "object",
      date: new Date("2026-05-01"),
    });
    await expect(read({ key: publicKey.armor() })).rejects.toThrow(/revoked/i);
  });

  test("refuses a short key id, an unknown fingerprint and a text that is not a key", async () => {
    await expect(read({ key: "1991BC93C0000000" })).rejects.toThrow(/short key id/);
    await expect(read({ key: "F".repeat(40) })).rejects.toThrow(/in no keyring/);
    await expect(read({ key: "not a key" })).rejects.toThrow(/is not a key/);
  });
});

describe("the plan of a mirror", () => {
  test("has the signed root, the compressed indices, their by-hash paths and the pool (signing: upstream)", async () => {
    await publish(archive, key, "noble", index);
    const plan = planUpstreamSigned(await read());
    const paths = plan.files.map(({ path }) => path.replace(/[0-9a-f]{64}/, "HASH"));
    expect(paths).toEqual([
      "dists/noble/InRelease",
      "dists/noble/main/binary-amd64/Packages.gz",
      "dists/noble/main/binary-amd64/by-hash/SHA256/HASH",
      "dists/noble/main/cnf/Commands-amd64.gz",
      "dists/noble/main/cnf/by-hash/SHA256/HASH",
      "dists/noble/main/i18n/Translation-en.gz",
      "dists/noble/main/i18n/by-hash/SHA256/HASH",
      "pool/main/a_1.0_amd64.deb",
      "pool/main/b_2.0-1_amd64.deb",
    ]);
    expect(plan.packages).toBe(2);
    expect(plan.suites.noble?.bytes).toBe(2000);
    expect(plan.digest).toBe(sha256([...planText(plan)].join("")));
    const { suites, rows } = parsePlanText([...planText(plan)].join(""));
    expect(rows).toEqual(plan.rows);
    expect(plan.suites).toMatchObject(suites);
    expect(Object.keys(suites)).toEqual(Object.keys(plan.suites));
  });

  test("is refused if one path has two contents, and the error names the path", async () => {
    await publish(archive, key, "noble", stanza("a", "1") + stanza("a", "1", { SHA256: "0".repeat(64) }));
    const read1 = await read();
    expect(() => planUpstreamSigned(read1)).toThrow(
      /pool\/main\/a_1_amd64\.deb has two contents[^(]*\(1000 bytes\) \(a 1 in noble\/main\)/,
    );
  });

  test("has the dependency closure of a filter over all suites, with chosen alternatives and missing names", async () => {
    await publish(
      archive,
      key,
      "noble",
      [
        stanza("web", "1", { Depends: "lib (>= 2), mta | postfix, virtual, gone" }),
        stanza("lib", "1"),
        stanza("mta", "1"),
        stanza("postfix", "1"),
        stanza("real-b", "1", { Provides: "virtual (= 3)" }),
        stanza("real-a", "1", { Provides: "virtual" }),
        stanza("unneeded", "1"),
        stanza("web-dbg", "1"),
      ].join(""),
    );
    await publish(
      archive,
      key,
      "noble-updates",
      stanza("lib", "2", { "Pre-Depends": "libc:any" }) + stanza("libc", "1"),
    );
    const plan = planMirrorSigned(await read({ suites: ["noble", "noble-updates"] }), { include: ["we?"] });
    expect(plan.rows.map(({ package: p }) => `${p?.suite} ${p?.name} ${p?.version}`).sort()).toEqual([
      "noble lib 1",
      "noble mta 1",
      "noble real-a 1",
      "noble web 1",
      "noble-updates lib 2",
      "noble-updates libc 1",
    ]);
    expect(plan.alternatives).toEqual([
      { of: "web", choice: "mta | postfix", taken: "mta" },
      { of: "web", choice: "virtual", taken: "real-a" },
    ]);
    expect(plan.missing).toEqual([{ of: "web", needs: "gone" }]);
    expect(plan.selection["noble/main/amd64"]).toEqual(["lib", "mta", "real-a", "web"]);
    const suites = await read({ suites: ["noble"] });
    expect(() => planMirrorSigned(suites, { include: ["wbe"] })).toThrow(/include: wbe matches no package/);
  });

  test("has only the newest version of a name per index, for any architecture and for sources", async () => {
    await publish(
      archive,
      key,
      "noble",
      stanza("a", "2", { Architecture: "all", Filename: "pool/a_2_all.deb" }) + stanza("a", "1"),
    );
    const found = await read();
    const source = (version: string, file: string) => ({
      name: "a",
      version,
      path: file,
      size: 1,
      sha256: sha256(file),
    });
    const [suite] = found.suites;
    const sources = ["1", "2"].flatMap((version) => [
      source(version, `pool/a_${version}.dsc`),
      source(version, `pool/a_${version}.tar.xz`),
    ]);
    const index = {
      component: "main",
      architecture: "source",
      kind: "sources" as const,
      path: "x",
      packages: [],
      sources,
      odd: [],
    };
    const plan = planMirrorSigned({
      ...found,
      suites: [{ ...(suite as NonNullable<typeof suite>), indices: [...(suite?.indices ?? []), index] }],
    });
    expect(plan.files.map(({ path }) => path)).toEqual([
      "pool/a_2.dsc",
      "pool/a_2.tar.xz",
      "pool/a_2_all.deb",
    ]);
  });

  describe("with local packages", () => {
    const own = (name: string, version: string, architecture = "amd64") => ({
      name,
      version,
      architecture,
      source: name,
      control: "",
      size: 1,
      sha256: sha256(`own ${name} ${version}`),
      field: () => undefined,
    });
    const planned = async (...locals: ReturnType<typeof own>[]) => {
      await publish(archive, key, "noble", index);
      await publish(archive, key, "noble-updates", stanza("a", "1.2"));
      return planMirrorSigned(await read({ suites: ["noble", "noble-updates"] }), {}, locals);
    };

    test("replaces older packages of the same suite, and reports a newer one in another suite", async () => {
      const plan = await planned(own("a", "1.1"), own("tool", "3", "all"));
      expect(plan.rows.map(({ path, package: p }) => `${p?.suite} ${path}`).sort()).toEqual([
        "noble pool/main/a/a/a_1.1_amd64.deb",
        "noble pool/main/b_2.0-1_amd64.deb",
        "noble pool/main/t/tool/tool_3_all.deb",
        "noble-updates pool/main/a_1.2_amd64.deb",
      ]);
      expect(plan.selection["noble/main/amd64"]).toEqual(["b"]);
      expect(plan.outranked).toEqual(["a 1.1 (noble-updates has 1.2)"]);
    });

    test.each([
      [
        "older than upstream's",
        [own("a", "0.9")],
        /local package a 0\.9 [\s\S]*upstream's 1\.0 in noble\/main is newer/,
      ],
      [
        "with the same version as upstream's",
        [own("a", "1.0")],
        /upstream's 1\.0 in noble\/main has the same version/,
      ],
      ["for another architecture", [own("a", "2", "arm64")], /it is for arm64, but the mirror is for amd64/],
      ["that is listed twice", [own("t", "1"), own("t", "2", "all")], /t 1 is listed too/],
    ])("refuses a local package %s", async (_, locals, message) => {
      await expect(planned(...locals)).rejects.toThrow(message);
    });

    test("refuses a local package if upstream has different content at its path", async () => {
      await publish(archive, key, "noble", index);
      await publish(
        archive,
        key,
        "noble-updates",
        stanza("a", "1.2", { Filename: "pool/main/a/a/a_1.2_amd64.deb" }),
      );
      const found = await read({ suites: ["noble", "noble-updates"] });
      expect(() => planMirrorSigned(found, {}, [own("a", "1.2")])).toThrow(
        /noble-updates has different content at pool\/main\/a\/a\/a_1\.2_amd64\.deb/,
      );
    });
  });

  test("counts packages and indices of a suite with a slash in its name for this suite", async () => {
    await publish(archive, key, "noble", index);
    await publish(archive, key, "noble/extra", stanza("c", "1"));
    const both = await read({ suites: ["noble", "noble/extra"] });
    const changes = comparePlans(undefined, planUpstreamSigned(both));
    const bytesOf = (suite: (typeof both.suites)[number] | undefined) =>
      [...(suite?.roots ?? []), ...(suite?.files ?? []).filter(({ path }) => !path.includes("/by-hash/"))]
        .map(({ size }) => size)
        .reduce((sum, size) => sum + size, 0);
    const [outer, inner] = both.suites;
    // The commands and translations of both have the same bytes, and count for the first.
    const shared = (inner?.files ?? []).filter(
      ({ path, sha256: digest }) =>
        !path.includes("/by-hash/") && outer?.files.some((file) => file.sha256 === digest),
    );
    expect(changes.get("noble/extra")?.bytes).toBe(
      1000 + bytesOf(inner) - shared.reduce((sum, { size }) => sum + size, 0),
    );
    expect(changes.get("noble")?.bytes).toBe(2000 + bytesOf(outer));
  });
});
