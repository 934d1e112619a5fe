import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readArchive } from "../../content/apt/archive.ts";
import { closureOf } from "../../content/apt/dependencies.ts";
import { planVerbatim } from "../../content/apt/plan.ts";
import { metadataCache } from "../../content/metadata-cache.ts";

// Run in a process of its own, so that its memory can be measured: prints one line of JSON.
// Modes: "prepare DIR" copies what apt keeps into DIR as an archive serves it; "plan DIR"; "closure DIR recommends|plain NAMES...".
const [mode = "", directory = "", ...rest] = process.argv.slice(2);
const lists = "/var/lib/apt/lists";
const suite = readFileSync("/etc/os-release", "utf8").match(/^VERSION_CODENAME=(.*)$/m)?.[1] ?? "";
const root = readdirSync(lists).find((name) => name.endsWith(`_dists_${suite}_InRelease`)) ?? "";

if (mode === "prepare") {
  const arch = execFileSync("dpkg", ["--print-architecture"]).toString().trim();
  const index =
    readdirSync(lists).find((name) => name.startsWith(`${root.slice(0, -9)}main_binary-${arch}_Packages`)) ??
    "";
  const plain = execFileSync("/usr/lib/apt/apt-helper", ["cat-file", join(lists, index)], {
    maxBuffer: 1 << 30,
  });
  writeFileSync(
    join(directory, "Packages.xz"),
    execFileSync("xz", ["-c", "-6"], { input: plain, maxBuffer: 1 << 30 }),
  );
  writeFileSync(join(directory, "Packages.gz"), gzipSync(plain));
  writeFileSync(join(directory, "Packages"), plain);
  console.log(
    JSON.stringify({ arch, bytes: plain.length, sha256: createHash("sha256").update(plain).digest("hex") }),
  );
} else {
  const arch = execFileSync("dpkg", ["--print-architecture"]).toString().trim();
  const cacheDirectory = mkdtempSync(join(tmpdir(), "real-archive-"));
  try {
    const started = performance.now();
    // apt keeps the index unpacked or in its own form only, so that is what is served; the Release's own
    // digest of the unpacked one is what it is verified by.
    const archive = await readArchive({
      fetch: async (path) => {
        if (path.endsWith("/InRelease")) return readFileSync(join(lists, root));
        if (path.includes("by-hash") || path.endsWith("/Packages"))
          return readFileSync(join(directory, "Packages"));
        throw new Error(`${path}: not here`);
      },
      exists: async (paths) => paths.map((path) => path.endsWith("/Packages")),
      key: "/usr/share/keyrings/debian-archive-keyring.gpg",
      suites: [suite],
      components: ["main"],
      architectures: [arch],
      extras: { languages: [], commandNotFound: false },
      cache: metadataCache(cacheDirectory),
      now: new Date(),
    });
    if (mode === "plan") {
      const { decompress } = await import("../../content/decompress.ts");
      const packed = readFileSync(join(directory, rest[0] ?? "Packages.xz"));
      const unpacked = await decompress(packed, rest[0]?.endsWith("gz") ? "gz" : "xz", 1 << 30, "Packages");
      const plan = planVerbatim(archive);
      console.log(
        JSON.stringify({
          packages: plan.packages,
          bytes: plan.bytes,
          unpacked: unpacked.length,
          milliseconds: Math.round(performance.now() - started),
          mebibytes: Math.round(process.resourceUsage().maxRSS / 1024),
        }),
      );
    } else {
      const [recommends, ...names] = rest;
      const candidates = archive.suites.flatMap(({ indices }) => indices.flatMap(({ packages }) => packages));
      console.log(JSON.stringify(closureOf(names, candidates, arch, recommends === "recommends")));
    }
  } finally {
    rmSync(cacheDirectory, { recursive: true });
  }
}
