import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readArchive } from "../../content/apt/archive.ts";
import { closureOf } from "../../content/apt/dependencies.ts";
import { planUpstreamSigned } from "../../content/apt/plan.ts";
import { NotFound } from "../../content/fetch.ts";
import { metadataCache } from "../../content/metadata-cache.ts";

/*
 * Runs as a separate process, so that its memory can be measured. Prints one line of JSON.
 *   plan DIRECTORY KEY             an archive in files, with one suite "real"
 *   closure recommends|plain NAMES ...   apt's lists of Debian main on this machine, verified by Debian's key
 */
const [mode = "", ...rest] = process.argv.slice(2);
const arch = execFileSync("dpkg", ["--print-architecture"]).toString().trim();
const scratch = mkdtempSync(join(tmpdir(), "real-archive-"));
const common = {
  components: ["main"],
  architectures: [arch],
  extras: { languages: [], commandNotFound: false },
  cache: metadataCache(scratch),
  now: new Date(),
};
try {
  if (mode === "plan") {
    const [directory = "", key] = rest;
    const archive = await readArchive({
      ...common,
      fetch: async (path) => {
        if (!existsSync(join(directory, path))) throw notThere(path);
        return readFileSync(join(directory, path));
      },
      key,
      suites: ["real"],
    });
    const { packages, bytes, digest } = planUpstreamSigned(archive);
    const mebibytes = Math.round(process.resourceUsage().maxRSS / 1024);
    console.log(JSON.stringify({ packages, bytes, digest, mebibytes }));
  } else {
    const [recommends, ...names] = rest;
    const lists = "/var/lib/apt/lists";
    const suite = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
    const root = readdirSync(lists).find((name) => name.endsWith(`_dists_${suite}_InRelease`));
    if (!root) throw new Error(`${lists} has no InRelease of ${suite}: run apt-get update`);
    const index = readdirSync(lists).find((name) =>
      name.startsWith(`${root.slice(0, -9)}main_binary-${arch}_Packages`),
    );
    if (!index) throw new Error(`${lists} has no Packages of ${suite}: run apt-get update`);
    const archive = await readArchive({
      ...common,
      fetch: async (path) => {
        if (path.endsWith("/InRelease")) return readFileSync(join(lists, root));
        if (!path.includes("/binary-")) throw notThere(path);
        return execFileSync("/usr/lib/apt/apt-helper", ["cat-file", join(lists, index)], {
          maxBuffer: 1 << 30,
        });
      },
      // apt keeps the uncompressed index, so that one is verified. The Release lists it too.
      exists: async (paths) => paths.map((path) => path.endsWith("/Packages")),
      key: "/usr/share/keyrings/debian-archive-keyring.gpg",
      suites: [suite],
    });
    const candidates = archive.suites.flatMap(({ indices }) => indices.flatMap(({ packages }) => packages));
    console.log(JSON.stringify(closureOf(names, candidates, arch, recommends === "recommends")));
  }
} finally {
  rmSync(scratch, { recursive: true });
}

function notThere(path: string): NotFound {
  return new NotFound({
    step: `reading ${path}`,
    found: "it is not among what is kept",
    remedy: "Run apt-get update.",
  });
}
