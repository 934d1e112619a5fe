import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { command } from "../command.ts";
import { digestsOf } from "./deb.ts";
import { earlyYesterday, launchpadDate } from "./launchpad-date.ts";
import { type ArchiveKey, signRelease } from "./openpgp-key.ts";
import type { Form, Shape, ShapedPackage } from "./shapes.ts";

/** Writes a signed archive of a shape into a directory. */
export async function writeShape(shape: Shape, target: string, key: ArchiveKey): Promise<void> {
  const flat = shape.suite.endsWith("/");
  const directory = flat ? shape.suite.replace(/^\.?\//, "").replace(/\/$/, "") : `dists/${shape.suite}`;
  const put = (path: string, bytes: Uint8Array | string) => {
    const file = join(target, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  };
  const stanzas = new Map<string, string[]>();
  const indices = flat
    ? [{ path: "Packages", packages: shape.packages }]
    : shape.components.flatMap((component) =>
        (shape.indexArchitectures ?? ["amd64"]).map((architecture) => ({
          path: `${component}/binary-${architecture}/Packages`,
          packages: shape.packages.filter(
            (each) => each.component === component && isIn(each, architecture, shape),
          ),
        })),
      );
  for (const { path, packages } of indices) {
    const texts = await Promise.all(
      packages.map(async (each) => {
        const deb = await emptyDeb(each);
        put(each.path, deb);
        return stanza(each, deb);
      }),
    );
    stanzas.set(path, texts);
  }
  const listed = new Map<string, Buffer>();
  for (const [path, texts] of stanzas) {
    const plain = Buffer.from(texts.map((text) => `${text}\n\n`).join(""));
    listed.set(path, plain);
    for (const form of shape.forms) if (form) listed.set(path + form, packed(plain, form));
    for (const form of shape.forms) {
      const bytes = listed.get(path + form) ?? plain;
      put(join(directory, path + form), bytes);
      if (shape.byHash === "there") {
        put(join(directory, dirname(path), "by-hash", "SHA256", digestsOf(bytes).sha256), bytes);
      }
    }
  }
  const fields = {
    ...shape.header,
    ...(shape.byHash ? { "Acquire-By-Hash": "yes" } : {}),
    ...(shape.undated ? {} : { Date: launchpadDate(earlyYesterday()) }),
  };
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
  const list = [...listed].map(([path, bytes]) => ` ${digestsOf(bytes).sha256} ${bytes.length} ${path}\n`);
  const text = `${head.join("")}SHA256:\n${list.join("")}`;
  const { inRelease, releaseGpg } = await signRelease(text, key);
  const roots = shape.roots ?? ["InRelease", "Release"];
  if (roots.includes("InRelease")) put(join(directory, "InRelease"), inRelease);
  if (roots.includes("Release")) {
    put(join(directory, "Release"), text);
    put(join(directory, "Release.gpg"), releaseGpg);
  }
}

/** If there is a separate index for all architectures, the other indices do not have its packages. */
function isIn(
  { architecture: of = "amd64", index: own = of }: ShapedPackage,
  index: string,
  shape: Shape,
): boolean {
  return own === index || (of === "all" && !shape.indexArchitectures?.includes("all"));
}

function packed(bytes: Buffer, form: Exclude<Form, "">): Buffer {
  const [tool, ...options] = {
    ".gz": ["gzip", "-n"],
    ".xz": ["xz"],
    ".bz2": ["bzip2"],
    ".zst": ["zstd", "-q"],
  }[form];
  return execFileSync(tool as string, [...options, "-c"], { input: bytes });
}

function controlOf({ name, version = "1.0", architecture = "amd64", fields = {} }: ShapedPackage): string {
  const all = {
    Package: name,
    Version: version,
    Architecture: architecture,
    Maintainer: "The lab <lab@archive.lab>",
    Section: "admin",
    Priority: "optional",
    ...fields,
    Description: `a package of the shape that ${name} is published in`,
  };
  return Object.entries(all)
    .map(([field, value]) => `${field}: ${value}\n`)
    .join("");
}

function stanza(each: ShapedPackage, deb: Buffer): string {
  const { size, md5, sha256 } = digestsOf(deb);
  return `${controlOf(each)}Filename: ${each.path}\nSize: ${size}\nMD5sum: ${md5}\nSHA256: ${sha256}`;
}

async function emptyDeb(each: ShapedPackage): Promise<Buffer> {
  const work = mkdtempSync(join(tmpdir(), "lab-shape-"));
  try {
    mkdirSync(join(work, "DEBIAN"));
    writeFileSync(join(work, "DEBIAN", "control"), controlOf(each));
    const documents = join(work, "usr", "share", "doc", each.name);
    mkdirSync(documents, { recursive: true });
    writeFileSync(join(documents, "readme"), `${each.name}\n`);
    await command(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", work, `${work}.deb`]);
    return readFileSync(`${work}.deb`);
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmSync(`${work}.deb`, { force: true });
  }
}
