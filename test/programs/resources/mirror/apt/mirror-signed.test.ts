import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { digestOf } from "../../../../../values/digest.ts";
import { type Offered, offered, SigningMirror } from "./mirror-signed.ts";

let mirror: SigningMirror;

const suite = (name: string, ...packages: Offered[]) => ({
  name,
  indices: { "main/binary-amd64": packages },
});
const noble = (...packages: Offered[]) => suite("noble", ...packages);
const index = "dists/noble/main/binary-amd64/Packages";
const pool = (name: string) => `pool/main/${name[0]}/${name}/${name}_1.0_amd64.deb`;

/** Publishes, and expects success. */
async function publish(...suites: Parameters<SigningMirror["publish"]>[0]): Promise<readonly string[]> {
  const { code, lines } = await mirror.publish(suites);
  expect({ code, lines: code === 0 ? [] : lines }).toEqual({ code: 0, lines: [] });
  expect(await mirror.faults()).toEqual([]);
  return lines;
}

/** The served files, and the files that they are made from. */
const everything = () =>
  execFileSync(
    "sh",
    [
      "-c",
      "readlink current; find pool* trees -type f -printf '%i %T@ %p ' -exec sha256sum {} \\; | sort -k3",
    ],
    { cwd: mirror.directory },
  ).toString();

describe("a mirror with signing: mirror", () => {
  beforeEach(() => {
    mirror = new SigningMirror();
  });
  afterEach(() => mirror.close());

  test("serves the selected packages, with sorted indices in three forms in a signed Release", async () => {
    await publish({ ...noble(offered("b"), offered("unwanted"), offered("a")), selected: ["a", "b"] });
    expect(mirror.listed(index)).toEqual(["a 1.0", "b 1.0"]);
    expect(mirror.served(pool("a"))).toBe("a 1.0");
    const plain = mirror.served(index);
    const file = (suffix: string) => join(mirror.directory, "current/public", index + suffix);
    expect(gunzipSync(readFileSync(file(".gz"))).toString()).toBe(plain);
    expect(execFileSync("xz", ["-dc", file(".xz")]).toString()).toBe(plain);
    const release = mirror.served("dists/noble/Release");
    expect(release).toMatch(/^Origin: Lab\nLabel: Lab\nSuite: noble\n/);
    for (const suffix of ["", ".gz", ".xz"]) {
      const bytes = readFileSync(file(suffix));
      const [, listed = ""] =
        new RegExp(` ([0-9a-f]{64}) +${bytes.length} main/binary-amd64/Packages${suffix}\n`).exec(release) ??
        [];
      expect(listed).toBe(digestOf(bytes));
      expect(
        readFileSync(
          join(mirror.directory, "current/public/dists/noble/main/binary-amd64/by-hash/SHA256", listed),
        ),
      ).toEqual(bytes);
    }
    execFileSync(
      "gpgv",
      [
        "--keyring",
        join(mirror.directory, "current/public/archive-key.gpg"),
        join(mirror.directory, "current/public/dists/noble/InRelease"),
      ],
      { stdio: "pipe" },
    );
    expect(readdirSync(join(mirror.directory, "reprepro")).sort()).toEqual(["conf", "suites"]);
    expect(existsSync(join(mirror.directory, "work"))).toBe(false);
  });

  test("keeps fields of several lines unchanged, and removes phases", async () => {
    const phased = {
      "Phased-Update-Percentage": "10",
      Description: "long\n of two lines\n .\n and more",
      Depends: "a,\n b",
    };
    await publish(noble(offered("a", "1.0", "a", phased)));
    expect(mirror.served(index)).toContain("Description: long\n of two lines\n .\n and more\n");
    expect(mirror.served(index)).toContain("Depends: a,\n b\n");
    expect(mirror.served(index)).not.toContain("Phased");
  });

  test("serves packages at the paths of reprepro, and not at those of upstream", async () => {
    const elsewhere = (name: string, Filename: string) => offered(name, "1:2.0", name, { Filename });
    await publish(
      noble(
        elsewhere("docker", "dists/noble/pool/stable/amd64/docker_2.0.deb"),
        elsewhere("libflat", "./libflat.deb"),
        offered("with-source", "1.0", "w", { Source: "libsource (0.9)", Filename: "pool/amd64/main/w.deb" }),
      ),
    );
    expect([...mirror.served(index).matchAll(/^Filename: (.*)$/gm)].map(([, path]) => path)).toEqual([
      "pool/main/d/docker/docker_2.0_amd64.deb",
      "pool/main/libf/libflat/libflat_2.0_amd64.deb",
      "pool/main/libs/libsource/with-source_1.0_amd64.deb",
    ]);
    expect(mirror.served("pool/main/libs/libsource/with-source_1.0_amd64.deb")).toBe("w");
  });

  test("has the newest versions, and in each index packages of architecture all and local packages", async () => {
    await publish({
      name: "noble",
      indices: {
        "main/binary-amd64": [offered("a", "1.10"), { ...offered("a", "1.9"), path: "" }],
        "main/binary-all": [offered("data", "1.0", "data", { Architecture: "all" })],
        "main/local-amd64": [offered("site", "1.0")],
        "universe/binary-arm64": [],
      },
    });
    expect(mirror.listed(index)).toEqual(["a 1.10", "data 1.0", "site 1.0"]);
    expect(mirror.listed("dists/noble/main/binary-arm64/Packages")).toEqual(["data 1.0"]);
    expect(mirror.listed("dists/noble/universe/binary-arm64/Packages")).toEqual([]);
  });

  test("serves source packages and installer packages", async () => {
    const files = { "hello_1.dsc": "dsc", "hello_1.tar.xz": "tar" };
    const list = (digest: (text: string) => string) =>
      Object.entries(files)
        .map(([name, text]) => `\n ${digest(text)} ${text.length} ${name}`)
        .join("");
    const md5 = (text: string) => execFileSync("md5sum", { input: text }).toString().slice(0, 32);
    const stanza = `Package: hello\nFormat: 3.0 (native)\nBinary: hello\nArchitecture: any\nVersion: 1\nMaintainer: Nobody <n@example.org>\nDirectory: pool/main/h/hello\nFiles:${list(md5)}\nChecksums-Sha256:${list(digestOf)}\nSection: misc\nPriority: optional\n`;
    await publish({
      name: "noble",
      indices: {
        "main/sources-source": Object.entries(files).map(([name, bytes], at) => ({
          stanza: at === 0 ? stanza : "",
          path: `pool/main/h/hello/${name}`,
          bytes,
        })),
        "main/installer-amd64": [
          offered("tiny", "1.0", "udeb", { Filename: "pool/main/t/tiny/tiny_1.0_amd64.udeb" }),
        ],
      },
    });
    expect(mirror.served("dists/noble/main/source/Sources")).toContain("Package: hello\n");
    expect(mirror.served("pool/main/h/hello/hello_1.tar.xz")).toBe("tar");
    expect(mirror.listed("dists/noble/main/debian-installer/binary-amd64/Packages")).toEqual(["tiny 1.0"]);
    expect(mirror.served("pool/main/t/tiny/tiny_1.0_amd64.udeb")).toBe("udeb");
  });

  test("serves suites with a slash in their names, each with separate packages", async () => {
    await publish(suite("noble-updates", offered("a")), suite("noble-updates/epoxy", offered("a", "2.0")));
    expect(mirror.listed("dists/noble-updates/main/binary-amd64/Packages")).toEqual(["a 1.0"]);
    expect(mirror.listed("dists/noble-updates/epoxy/main/binary-amd64/Packages")).toEqual(["a 2.0"]);
    expect(mirror.served("dists/noble-updates/Release")).not.toContain("epoxy");
    const second = (name: string) =>
      statSync(join(mirror.directory, "current/public/dists", name, "InRelease")).mtimeMs;
    const before = second("noble-updates/epoxy");
    await publish(suite("noble-updates", offered("a")), suite("noble-updates/epoxy", offered("a", "3.0")));
    expect(second("noble-updates/epoxy")).toBeGreaterThan(before);
    expect(second("noble-updates/epoxy")).toBe(second("noble-updates"));
  });
});

describe("an update of a mirror with signing: mirror", () => {
  const same = (bytes: string) => offered("same", "1.0", bytes);

  beforeAll(async () => {
    mirror = new SigningMirror();
    await publish(noble(same("bytes"), offered("kept")));
  });
  afterAll(() => mirror.close());

  test.each<[string, Offered[], RegExp]>([
    [
      "a name that reprepro refuses",
      [same("other bytes"), offered("Upper")],
      /^noble\/main\/binary-amd64: the package Upper has a Package that reprepro refuses \(name it in filter\.exclude/,
    ],
    [
      "a source with a path to another directory",
      [
        same("other bytes"),
        offered("evil", "1.0", "evil", { Source: "../../../etc", Filename: "pool/evil.deb" }),
      ],
      /the package evil has a Source that reprepro refuses/,
    ],
    [
      "a wrong size",
      [
        same("other bytes"),
        { ...offered("kept"), stanza: offered("kept").stanza.replace(/^Size: .*$/m, "Size: 7") },
      ],
      /the package kept has 7 bytes, but 8 are planned for pool\/main\/k\/kept\/kept_1\.0_amd64\.deb/,
    ],
    [
      "a wrong digest",
      [
        {
          ...offered("kept"),
          stanza: offered("kept").stanza.replace(/^SHA256: .*$/m, `SHA256: ${"0".repeat(64)}`),
        },
      ],
      /the package kept has another SHA256 than planned/,
    ],
    ...(["Filename", "SHA256", "Size", "Package", "Version", "Source"] as const).map(
      (field): [string, Offered[], RegExp] => {
        const { stanza, ...rest } = offered("kept", "1.0", "kept 1.0", { Source: "kept" });
        const continued = stanza.replace(
          new RegExp(`^(${field}: .*)$`, "m"),
          "$1\n /../../../../etc/profile.d/x.sh",
        );
        return [
          `${field} with a second line`,
          [same("other bytes"), { ...rest, stanza: continued }],
          new RegExp(`the package kept has a ${field.toLowerCase()} with a second line`),
        ];
      },
    ),
    ...(["filename: pool/x.deb", "SIZE: 7", "sha256: x", "package: other"] as const).map(
      (line): [string, Offered[], RegExp] => [
        `a second ${line}`,
        [{ ...offered("kept"), stanza: `${offered("kept").stanza}${line}\n` }],
        new RegExp(`the package kept has ${line.split(":")[0]?.toLowerCase()} twice`),
      ],
    ),
    [
      "a line that is not a field",
      [{ ...offered("kept"), stanza: `${offered("kept").stanza}nothing\n` }],
      /the package kept has an invalid line/,
    ],
    [
      "a line of blanks",
      [{ ...offered("kept"), stanza: `${offered("kept").stanza}  \nPackage: x\n` }],
      /the package kept has a line of blanks only/,
    ],
    [
      "a NUL",
      [{ ...offered("kept"), stanza: `${offered("kept").stanza}X: \0\n` }],
      /the package kept has a NUL/,
    ],
    [
      "two packages that reprepro would keep at one path",
      [
        offered("kept"),
        offered("kept", "1:1.0", "of an epoch", { Filename: "pool/epoch/kept_1.0_amd64.deb" }),
      ],
      /the package kept would be at pool\/main\/k\/kept\/kept_1\.0_amd64\.deb, but the mirror already has another file/,
    ],
  ])("with %s is refused, and the served files do not change", async (_, packages, expected) => {
    const before = everything();
    const { code, faults } = await mirror.publish([noble(...packages)]);
    expect({ code, faults }).toEqual({ code: 65, faults: [expect.stringMatching(expected)] });
    expect(everything()).toBe(before);
    expect(await mirror.faults()).toEqual([]);
  });

  test("succeeds if the invalid packages are not selected", async () => {
    const odd = ["Upper", "twice", "bad"].map((name) =>
      offered(name, "1.0", name, { Filename: "../../etc/passwd" }),
    );
    const twice = { ...offered("twice"), stanza: `${offered("twice").stanza}Size: 7\nno field\n` };
    await publish({ ...noble(...odd, twice, offered("a"), same("bytes")), selected: ["a", "same"] });
    expect(mirror.listed(index)).toEqual(["a 1.0", "same 1.0"]);
  });

  test("with a planned file that is in no index is refused", async () => {
    const before = everything();
    const text = "nowhere";
    const item = {
      sha256: mirror.uploadTexts(text),
      size: text.length,
      from: undefined,
      to: "package/pool/n/nowhere.deb",
    };
    const { code, faults } = await mirror.publish([noble(offered("b"))], [item]);
    expect({ code, faults }).toEqual({
      code: 65,
      faults: ["pool/n/nowhere.deb: is planned, but is in no index"],
    });
    expect(everything()).toBe(before);
  });
});

describe("the next update of a mirror with signing: mirror", () => {
  beforeEach(() => {
    mirror = new SigningMirror();
  });
  afterEach(() => mirror.close());

  const updates = (...packages: Offered[]) => suite("noble-updates", ...packages);
  const made = (lines: readonly string[]) =>
    lines.filter((line) => line.startsWith("progress reprepro makes"));
  const path = (name: string) => join(mirror.directory, "current/public", name);

  test("makes only changed indices with reprepro, and uses the previous ones for the rest", async () => {
    const both = {
      name: "noble",
      indices: { "main/binary-amd64": [offered("a")], "universe/binary-amd64": [offered("b")] },
    };
    expect(made(await publish(both, updates(offered("c"))))).toEqual([
      "progress reprepro makes the indices of noble noble-updates",
    ]);
    const inode = (name: string) => statSync(path(name)).ino;
    const kept = ["dists/noble-updates/main/binary-amd64/Packages", `${index}.xz`].map(inode);
    const changed = {
      name: "noble",
      indices: { ...both.indices, "universe/binary-amd64": [offered("b", "2.0")] },
    };
    expect(made(await publish(changed, updates(offered("c"))))).toEqual([
      "progress reprepro makes the indices of noble",
    ]);
    expect(["dists/noble-updates/main/binary-amd64/Packages", `${index}.xz`].map(inode)).toEqual(kept);
    expect(mirror.listed("dists/noble/universe/binary-amd64/Packages")).toEqual(["b 2.0"]);
    expect(made(await publish(changed, updates(offered("c"))))).toEqual([]);
    // If a suite is no longer mirrored, none of its files remain.
    await publish(updates(offered("c")));
    expect(readdirSync(join(mirror.directory, "reprepro/suites"))).toEqual(["noble-updates"]);
    expect(existsSync(path("dists/noble/InRelease"))).toBe(false);
  });

  test.each([
    ["a served index", () => path(index)],
    ["a compressed served index", () => path(`${index}.xz`)],
  ])("does not sign a manual change of %s, and makes it again", async (_, file) => {
    await publish(noble(offered("a")));
    const text = readFileSync(file());
    writeFileSync(file(), Buffer.concat([text.subarray(0, 20), Buffer.from("evil"), text.subarray(24)]));
    expect(made(await publish(noble(offered("a"))))).toHaveLength(1);
    expect(readFileSync(file())).toEqual(text);
  });

  test("serves other bytes under the same name, and the kept snapshot can be served unchanged", async () => {
    await publish(noble(offered("same", "1.0", "bytes"), offered("gone")));
    const first = mirror.tree;
    await publish(noble(offered("same", "1.0", "other bytes")));
    expect([mirror.served(pool("same"), first), mirror.served(pool("same"))]).toEqual([
      "bytes",
      "other bytes",
    ]);
    // For clients that have the index of the first snapshot.
    expect(mirror.served(pool("gone"))).toBe("gone 1.0");
    const { code, lines } = await mirror.restore(first, ["noble"]);
    expect({ code, last: lines.at(-1) }).toEqual({
      code: 0,
      last: expect.stringMatching(/^published 000003-/),
    });
    expect(mirror.served(pool("same"))).toBe("bytes");
    expect(mirror.listed(index)).toEqual(["gone 1.0", "same 1.0"]);
    execFileSync("gpgv", ["--keyring", path("archive-key.gpg"), path("dists/noble/InRelease")], {
      stdio: "pipe",
    });
    expect(await mirror.faults()).toEqual([]);
  });

  test("changes neither of two suites if one is wrong, and names the wrong suite", async () => {
    await publish(noble(offered("a")), updates(offered("a")));
    const before = everything();
    const { code, faults } = await mirror.publish([noble(offered("a", "2.0")), updates(offered("Upper"))]);
    expect({ code, faults }).toEqual({
      code: 65,
      faults: [expect.stringMatching(/^noble-updates\/main\/binary-amd64: the package Upper/)],
    });
    expect(everything()).toBe(before);
    await publish(noble(offered("a", "2.0")), updates(offered("a")));
    expect(mirror.listed(index)).toEqual(["a 2.0"]);
  });

  test("that reprepro refuses is reported only with the suite and the reason of reprepro", async () => {
    await publish(noble(offered("a")));
    const before = everything();
    const { code, faults } = await mirror.publish([noble(offered("b"))], [], (configuration) => ({
      ...configuration,
      distributions: configuration.distributions.replace(/^Update: .*$/m, "Update: nowhere"),
    }));
    expect({ code, faults }).toEqual({ code: 65, faults: [expect.stringMatching(/^reprepro, for noble: /)] });
    expect(everything()).toBe(before);
  });
});
