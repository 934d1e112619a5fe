import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import type { Facts } from "../../unit/content/stanza-mutants.ts";

/* The packages that the real apt and the real reprepro of this machine find in an index. */

const digest = (content: Buffer | string) => createHash("sha256").update(content).digest("hex");

function inDirectory<T>(work: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "oracle-"));
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function writeIndex(directory: string, index: Buffer): void {
  const path = join(directory, "dists/s/main/binary-amd64/Packages");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, index);
  writeFileSync(
    join(directory, "dists/s/Release"),
    `Suite: s\nCodename: s\nArchitectures: amd64\nComponents: main\nDate: Mon, 01 Jun 2026 06:00:00 UTC\nSHA256:\n ${digest(index)} ${index.length} main/binary-amd64/Packages\n`,
  );
}

/** All packages that apt finds in an index, by name. */
export function readByApt(index: Buffer): Map<string, Facts> {
  return inDirectory((directory) => {
    writeIndex(join(directory, "archive"), index);
    writeFileSync(join(directory, "list"), `deb [trusted=yes] file:${directory}/archive s main\n`);
    for (const path of ["lists/partial", "cache/archives/partial", "empty"]) {
      mkdirSync(join(directory, path), { recursive: true });
    }
    writeFileSync(join(directory, "status"), "");
    const options = {
      "Dir::Etc::sourcelist": `${directory}/list`,
      "Dir::Etc::sourceparts": `${directory}/empty`,
      "Dir::State::lists": `${directory}/lists`,
      "Dir::State::status": `${directory}/status`,
      "Dir::Cache": `${directory}/cache`,
      "APT::Architecture": "amd64",
      "APT::Sandbox::User": "root",
      "Acquire::Languages": "none",
    };
    const arguments_ = Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
    const run = (tool: string, ...rest: string[]) =>
      execFileSync(tool, [...arguments_, ...rest], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    run("apt-get", "update");
    const names = run("apt-cache", "pkgnames").split("\n").filter(Boolean);
    const printed = run("apt-get", "download", "--print-uris", ...names);
    const found = printed
      .split("\n")
      .map((line) => /^'file:(\S+)' (\S+)_(\S+)_[a-z0-9]+\.\S+ (\d+) SHA256:(\S+)$/i.exec(line));
    const facts = found.flatMap((match) => {
      if (!match) return [];
      const [, url = "", quoted = "", version = "", size = "", sha256 = ""] = match;
      const name = decodeURIComponent(quoted);
      // A server decodes it to this.
      const path = posix.normalize(decodeURIComponent(url).slice(`${directory}/archive/`.length));
      return [[name, { name, version: decodeURIComponent(version), path, size, sha256 }] as const];
    });
    return new Map(facts);
  });
}

/** The packages that reprepro takes from an index with these files, or its error. */
export function takenByReprepro(
  index: Buffer,
  files: ReadonlyMap<string, string>,
): { readonly fault: string } | Map<string, Facts> {
  return inDirectory((directory) => {
    writeIndex(join(directory, "archive"), index);
    for (const [path, content] of files) {
      mkdirSync(dirname(join(directory, "archive", path)), { recursive: true });
      writeFileSync(join(directory, "archive", path), content);
    }
    mkdirSync(join(directory, "conf"));
    writeFileSync(
      join(directory, "conf/distributions"),
      "Codename: s\nArchitectures: amd64\nComponents: main\nUpdate: u\n",
    );
    writeFileSync(
      join(directory, "conf/updates"),
      `Name: u\nMethod: file:${directory}/archive\nSuite: s\nVerifyRelease: blindtrust\nDownloadListsAs: .\n`,
    );
    const run = (...rest: string[]) =>
      spawnSync("reprepro", ["-b", directory, ...rest], { encoding: "utf8" });
    const update = run("--export=never", "update");
    if (update.status !== 0) return { fault: update.stderr };
    const contents = new Map(
      run("_listchecksums")
        .stdout.split("\n")
        .map((line) => /^(\S+) .*:2:([0-9a-f]{64}) .*?(\d+)$/.exec(line))
        .map((match) => [match?.[1] ?? "", { sha256: match?.[2] ?? "", size: match?.[3] ?? "" }]),
    );
    const versions = new Map(
      run("list", "s")
        .stdout.split("\n")
        .map((line) => line.split(" "))
        .map(([, name = "", version = ""]) => [name, version]),
    );
    const listed = run("--list-format", "$" + "{package} $" + "{$fullfilename}\\n", "list", "s").stdout;
    const facts = listed
      .split("\n")
      .filter(Boolean)
      .map((line) => line.split(" "))
      .map(([name = "", full = ""]) => {
        const path = full.slice(directory.length + 1);
        const { size = "", sha256 = "" } = contents.get(path) ?? {};
        return [name, { name, version: versions.get(name) ?? "", path, size, sha256 }] as const;
      });
    return new Map(facts);
  });
}
