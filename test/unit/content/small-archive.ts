import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { createCleartextMessage, createMessage, generateKey, type PrivateKey, sign } from "openpgp";
import { type Archive, readArchive } from "../../../content/apt/archive.ts";
import type { ArchiveRequest } from "../../../content/apt/archive-request.ts";
import { NotFound } from "../../../content/fetch.ts";
import { metadataCache } from "../../../content/metadata-cache.ts";

/** A small signed archive in memory. */
export interface SmallArchive {
  readonly files: Map<string, Buffer>;
  readonly requests: string[];
  readonly fetch: (path: string) => Promise<Buffer>;
}

export const now = new Date("2026-06-01T12:00:00Z");
export const made = "Mon, 01 Jun 2026 06:00:00 UTC";

export const sha256 = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");

export async function newKey(options: { date?: Date; keyExpirationTime?: number } = {}): Promise<PrivateKey> {
  const { privateKey } = await generateKey({
    userIDs: [{ name: "archive" }],
    format: "object",
    date: new Date("2026-01-01T00:00:00Z"),
    ...options,
  });
  return privateKey;
}

export function stanza(name: string, version: string, fields: Record<string, string> = {}): string {
  const all = {
    Package: name,
    Version: version,
    Architecture: "amd64",
    Section: "net",
    Filename: `pool/main/${name}_${version.replace(/^\d+:/, "")}_amd64.deb`,
    Size: "1000",
    SHA256: sha256(`${name} ${version}`),
    ...fields,
  };
  return `${Object.entries(all)
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `${key}: ${value}\n`)
    .join("")}\n`;
}

export function releaseText(
  suite: string,
  entries: Iterable<[string, Buffer]>,
  fields: Record<string, string> = {},
): string {
  const header = {
    Origin: "Ubuntu",
    Suite: suite,
    Codename: suite,
    Date: made,
    "Acquire-By-Hash": "yes",
    Architectures: "amd64 arm64",
    Components: "main universe",
    ...fields,
  };
  const lines = Object.entries(header)
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `${key}: ${value}`);
  return `${lines.join("\n")}\nSHA256:\n${[...entries].map(([path, bytes]) => ` ${sha256(bytes)} ${bytes.length} ${path}`).join("\n")}`;
}

export async function clearsign(text: string, key: PrivateKey, date = new Date(made)): Promise<Buffer> {
  const message = await createCleartextMessage({ text });
  return Buffer.from(await sign({ message, signingKeys: key, date }));
}

export async function detach(bytes: Buffer, key: PrivateKey): Promise<Buffer> {
  const message = await createMessage({ binary: bytes });
  return Buffer.from(await sign({ message, signingKeys: key, detached: true, date: new Date(made) }));
}

/** Publishes one suite with component main for amd64 into an archive. */
export async function publish(
  archive: SmallArchive,
  key: PrivateKey,
  suite: string,
  packages: string,
  fields: Record<string, string> = {},
): Promise<void> {
  const plain = Buffer.from(packages);
  const listed = new Map([
    ["main/binary-amd64/Packages", plain],
    ["main/binary-amd64/Packages.gz", gzipSync(plain)],
    ["main/cnf/Commands-amd64.gz", gzipSync("commands")],
    ["main/i18n/Translation-en.gz", gzipSync("translations")],
    ["main/i18n/Translation-de.gz", gzipSync("Übersetzungen")],
  ]);
  for (const [path, bytes] of listed) {
    if (path.endsWith("Packages")) continue;
    archive.files.set(`dists/${suite}/${path}`, bytes);
    archive.files.set(`dists/${suite}/${path.replace(/[^/]+$/, "")}by-hash/SHA256/${sha256(bytes)}`, bytes);
  }
  archive.files.set(`dists/${suite}/InRelease`, await clearsign(releaseText(suite, listed, fields), key));
}

/** Reads an archive's noble/main for amd64 by default, with the cache in a directory. */
export function readSmall(
  archive: SmallArchive,
  key: PrivateKey,
  directory: string,
  changes: Partial<ArchiveRequest> = {},
): Promise<Archive> {
  return readArchive({
    fetch: archive.fetch,
    key: key.toPublic().armor(),
    suites: ["noble"],
    components: ["main"],
    architectures: ["amd64"],
    cache: metadataCache(directory),
    now,
    ...changes,
  });
}

export function smallArchive(): SmallArchive {
  const files = new Map<string, Buffer>();
  const requests: string[] = [];
  return {
    files,
    requests,
    fetch: async (path) => {
      requests.push(path);
      const bytes = files.get(path);
      if (bytes) return bytes;
      throw new NotFound({ step: `fetching ${path}`, found: "404 Not Found", remedy: "Try again." });
    },
  };
}
