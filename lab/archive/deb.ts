import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { command, tryCommandBytes } from "../command.ts";

/** Digests and size of a file, as in the indices of an archive. */
export interface Digests {
  readonly size: number;
  readonly md5: string;
  readonly sha1: string;
  readonly sha256: string;
}

/** The data of a binary package that an archive's indices have. */
export interface DebFacts extends Digests {
  readonly package: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string;
  /** The control fields of the package, in their order. */
  readonly control: readonly (readonly [name: string, value: string])[];
  /** Paths of its files, without a leading slash. */
  readonly files: readonly string[];
}

/** Digests of some bytes. */
export function digestsOf(bytes: Uint8Array): Digests {
  const hex = (algorithm: string) => createHash(algorithm).update(bytes).digest("hex");
  return { size: bytes.length, md5: hex("md5"), sha1: hex("sha1"), sha256: hex("sha256") };
}

/** Reads a .deb file. */
export async function readDeb(file: string): Promise<DebFacts> {
  const [text, tar] = await Promise.all([
    command(["dpkg-deb", "--field", file]),
    tryCommandBytes(["sh", "-c", 'dpkg-deb --fsys-tarfile "$1" | tar -t', "sh", file]),
  ]);
  const control = parseControl(text);
  const field = (name: string) => control.find(([each]) => each === name)?.[1] ?? "";
  const files = tar.stdout
    .toString("utf8")
    .split("\n")
    .filter((path) => path !== "" && !path.endsWith("/"))
    .map((path) => path.replace(/^\.\//, ""));
  return {
    package: field("Package"),
    version: field("Version"),
    architecture: field("Architecture"),
    source: field("Source").replace(/ .*/, "") || field("Package"),
    control,
    files,
    ...digestsOf(readFileSync(file)),
  };
}

/** The fields of one stanza in order. Continuation lines of a value keep their leading space. */
export function parseControl(text: string): (readonly [string, string])[] {
  const fields: [string, string][] = [];
  for (const line of text.trimEnd().split("\n")) {
    const last = fields.at(-1);
    if (/^\s/.test(line) && last !== undefined) {
      last[1] += `\n${line}`;
      continue;
    }
    const colon = line.indexOf(":");
    fields.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
  }
  return fields;
}

/**
 * Builds a package again with another version. Its files are the same, except the changelog, which is replaced by a
 * line about the rebuild. Exact dependencies on packages of the same source get the new version. Returns the new file.
 */
export async function rebuildDeb(
  file: string,
  from: string,
  to: string,
  siblings: readonly string[],
  target: string,
): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), "lab-deb-"));
  try {
    const tree = join(work, "tree");
    await command(["dpkg-deb", "--raw-extract", file, tree]);
    const controlFile = join(tree, "DEBIAN", "control");
    const fields = parseControl(readFileSync(controlFile, "utf8")).map(([name, value]) => {
      if (name === "Version") return [name, to] as const;
      if (name !== "Depends" && name !== "Pre-Depends") return [name, value] as const;
      const moved = value.split(/,\s*/).map((dependency) => {
        const packageName = /^[^\s:(]+/.exec(dependency)?.[0] ?? "";
        return siblings.includes(packageName) ? dependency.replace(`(= ${from})`, `(= ${to})`) : dependency;
      });
      return [name, moved.join(", ")] as const;
    });
    writeFileSync(controlFile, `${fields.map(([name, value]) => `${name}: ${value}`).join("\n")}\n`);
    const packageName = fields.find(([name]) => name === "Package")?.[1] ?? "";
    const documents = join(tree, "usr", "share", "doc", packageName);
    mkdirSync(documents, { recursive: true });
    writeFileSync(join(documents, "rebuilt"), `${to}\n`);
    mkdirSync(target, { recursive: true });
    const [, architecture = ""] = /_([^_]+)\.deb$/.exec(basename(file)) ?? [];
    const made = join(target, `${packageName}_${to.replace(/^\d+:/, "")}_${architecture}.deb`);
    await command(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, made]);
    return made;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
