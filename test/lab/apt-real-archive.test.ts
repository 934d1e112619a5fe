import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createCleartextMessage, generateKey, sign } from "openpgp";
import type { Closure } from "../../content/apt/dependencies.ts";

// Uses this machine's package lists of Debian main, so `apt-get update` must have run.
const lists = "/var/lib/apt/lists";
const program = new URL("real-archive-plan.ts", import.meta.url).pathname;
const node = process.execPath;
const selected = ["openssh-server", "nginx", "postgresql"];
const large = { maxBuffer: 1 << 30 };
let directory: string;
let suite: string;
let root: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "apt-real-archive-"));
  suite = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
  root = readdirSync(lists).find((name) => name.endsWith(`_dists_${suite}_InRelease`)) ?? "";
  if (!root) throw new Error(`${lists} has nothing of ${suite}: run apt-get update first`);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function run(...args: string[]): string {
  return execFileSync(node, [program, ...args], large).toString();
}

describe("Debian main from apt's package lists", () => {
  test.each([
    // The preferred form if there are several.
    ["gz", 300],
    // WebAssembly unpacks it. Its memory is garbage until the next collection.
    ["xz", 450],
  ] as const)(
    "a plan of all packages from a %s index needs less than %d MiB",
    async (form, limit) => {
      const arch = execFileSync("dpkg", ["--print-architecture"]).toString().trim();
      const name = readdirSync(lists).find((file) =>
        file.startsWith(`${root.slice(0, -9)}main_binary-${arch}_Packages`),
      );
      const plain = execFileSync("/usr/lib/apt/apt-helper", ["cat-file", join(lists, name ?? "")], large);
      const packed =
        form === "gz" ? gzipSync(plain) : execFileSync("xz", ["-1", "-c"], { input: plain, ...large });
      // apt does not keep the compressed file, so the same content is compressed and signed again.
      const path = `main/binary-${arch}/Packages.${form}`;
      const lines = [[path, packed] as const, [path.slice(0, -3), plain] as const].map(
        ([file, bytes]) => ` ${createHash("sha256").update(bytes).digest("hex")} ${bytes.length} ${file}`,
      );
      const text = `Suite: real\nDate: ${new Date().toUTCString()}\nArchitectures: ${arch}\nComponents: main\nSHA256:\n${lines.join("\n")}`;
      const { privateKey, publicKey } = await generateKey({ userIDs: [{ name: "real" }], format: "object" });
      const archive = join(directory, form);
      mkdirSync(dirname(join(archive, "dists/real", path)), { recursive: true });
      writeFileSync(join(archive, "dists/real", path), packed);
      writeFileSync(
        join(archive, "dists/real/InRelease"),
        await sign({ message: await createCleartextMessage({ text }), signingKeys: privateKey }),
      );
      writeFileSync(join(directory, "key.asc"), publicKey.armor());

      // The minimum of three measurements, because garbage collection can only add memory.
      const runs = [1, 2, 3].map(() => JSON.parse(run("plan", archive, join(directory, "key.asc"))));
      const values = (field: string) =>
        [...plain.toString("latin1").matchAll(new RegExp(`^${field}: (.*)$`, "gm"))].map(
          ([, value]) => value,
        );
      const digests = new Set(values("SHA256"));
      const bytes = values("Size").reduce((sum, size) => sum + Number(size), 0);
      expect(digests.size).toBe(values("Package").length);
      expect(runs[0].packages).toBe(digests.size);
      // The packages, the index and the signed root.
      expect(runs[0].bytes).toBe(
        bytes + packed.length + statSync(join(archive, "dists/real/InRelease")).size,
      );
      expect(new Set(runs.map(({ digest }) => digest)).size).toBe(1);
      expect(Math.min(...runs.map(({ mebibytes }) => mebibytes))).toBeLessThan(limit);
    },
    120_000,
  );

  test.each([
    ["plain", ["--no-install-recommends"]],
    ["recommends", ["--install-recommends"]],
  ])(
    "the dependency closure (%s) is what apt would fetch, except listed alternatives",
    (mode, options) => {
      const closure: Closure = JSON.parse(run("closure", mode, ...selected));
      const theirs = aptWouldFetch(options);
      const ours = new Set(closure.names);
      expect([...theirs].filter((name) => !ours.has(name))).toEqual([]);
      // A package that only our result has must be a listed alternative, or a dependency of one.
      const chosen = closure.alternatives.filter(({ taken }) => !theirs.has(taken));
      const otherwise = chosen.filter(({ choice }) => !choice.includes("|"));
      expect(otherwise).toEqual([]);
      const extra: Closure =
        chosen.length > 0
          ? JSON.parse(run("closure", mode, ...chosen.map(({ taken }) => taken)))
          : { names: [], alternatives: [], missing: [] };
      const explained = new Set(extra.names);
      expect([...ours].filter((name) => !theirs.has(name) && !explained.has(name))).toEqual([]);
      if (mode === "plain") expect([...theirs].sort()).toEqual(closure.names);
    },
    60_000,
  );
});

/** Names of the packages that apt fetches for a machine without installed packages. */
function aptWouldFetch(options: readonly string[]): Set<string> {
  const output = execFileSync(
    "apt-get",
    [
      "install",
      "--print-uris",
      "-y",
      "-qq",
      ...options,
      "-o",
      "Dir::State::status=/dev/null",
      "-o",
      `Dir::Etc::sourcelist=${sourceList()}`,
      "-o",
      "Dir::Etc::sourceparts=-",
      ...selected,
    ],
    { ...large, stdio: ["ignore", "pipe", "inherit"] },
  ).toString();
  return new Set([...output.matchAll(/^'[^']*' ([^_ ]+)_/gm)].map(([, name]) => name ?? ""));
}

/**
 * Only this suite, with the address of the machine's own sources, because apt finds its lists by the address.
 */
function sourceList(): string {
  const sources = execFileSync("apt-get", [
    "indextargets",
    "--format",
    "$(REPO_URI) $(CODENAME) $(SUITE)",
  ]).toString();
  const address = sources
    .split("\n")
    .map((line) => line.split(" "))
    .find(([, codename]) => codename === suite)?.[0];
  if (!address) throw new Error(`apt has no source of ${suite}`);
  const path = join(directory, "one.list");
  writeFileSync(
    path,
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${address} ${suite} main\n`,
  );
  return path;
}
