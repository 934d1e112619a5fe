import { createHash } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { command, tryCommandBytes } from "../command.ts";
import { type DebFacts, type Digests, digestsOf, parseControl } from "./deb.ts";
import { launchpadDate } from "./launchpad-date.ts";
import { type ArchiveKey, signRelease } from "./openpgp-key.ts";

/** A suite's Release fields and its packages. */
export interface Suite {
  /** The directory below `dists/`. */
  readonly name: string;
  readonly origin: string;
  readonly label: string;
  readonly codename: string;
  readonly version: string;
  readonly description: string;
  readonly components: readonly string[];
  readonly architectures: readonly string[];
}

/** A package in a suite. */
export interface PublishedDeb {
  readonly suite: string;
  readonly component: string;
  readonly facts: DebFacts;
  /** The present absolute path of its file. */
  readonly file: string;
  /** Percentage of machines that install it already (Phased-Update-Percentage). */
  readonly phased?: number | undefined;
}

/** A source package in a suite: its .dsc file and the files that the .dsc names, in one directory. */
interface PublishedSource {
  readonly suite: string;
  readonly component: string;
  readonly dsc: string;
}

export interface Publication {
  readonly suites: readonly Suite[];
  readonly debs: readonly PublishedDeb[];
  readonly sources: readonly PublishedSource[];
  readonly key: ArchiveKey;
  /** The Date of every suite that is written again. */
  readonly date: Date;
  /** The previous publication. Suites that `changed` does not name are linked from it unchanged. */
  readonly previous?: string | undefined;
  /** Default: every suite. */
  readonly changed?: readonly string[] | undefined;
}

/** Writes a whole archive, `dists/` and `pool/`, into a new directory. Files of the pool are hard links. */
export async function publish(publication: Publication, target: string): Promise<void> {
  mkdirSync(target, { recursive: true });
  for (const deb of publication.debs) link(deb.file, join(target, poolPath(deb)));
  for (const source of publication.sources) {
    for (const file of sourceFiles(source)) {
      link(join(dirname(source.dsc), file), join(target, sourceDirectory(source), file));
    }
  }
  await Promise.all(
    publication.suites.map(async (suite) => {
      const { previous, changed } = publication;
      const before = previous === undefined ? undefined : join(previous, "dists", suite.name);
      if (before !== undefined && changed !== undefined && !changed.includes(suite.name)) {
        mkdirSync(join(target, "dists"), { recursive: true });
        await command(["cp", "--archive", "--link", before, join(target, "dists")]);
      } else {
        await writeSuite(publication, suite, join(target, "dists", suite.name), before);
      }
    }),
  );
}

async function writeSuite(
  publication: Publication,
  suite: Suite,
  directory: string,
  before: string | undefined,
): Promise<void> {
  const debs = publication.debs.filter((deb) => deb.suite === suite.name);
  const indices = new Map<string, Uint8Array>();
  const compressed: Promise<void>[] = [];
  /** The Release lists the plain index too, but only its compressed forms exist, as in the real archive. */
  const addIndex = (path: string, text: string) => {
    const bytes = Buffer.from(text);
    indices.set(path, bytes);
    indices.set(`${path}.gz`, gzipSync(bytes));
    compressed.push(xz(bytes).then((data) => void indices.set(`${path}.xz`, data)));
  };
  for (const component of suite.components) {
    const inComponent = debs.filter((deb) => deb.component === component);
    for (const architecture of suite.architectures) {
      const mine = inComponent.filter(
        ({ facts }) => facts.architecture === architecture || facts.architecture === "all",
      );
      const folder = `${component}/binary-${architecture}`;
      addIndex(`${folder}/Packages`, stanzas(mine.map(packageStanza)));
      indices.set(
        `${folder}/Release`,
        Buffer.from(
          `Archive: ${suite.name}\nVersion: ${suite.version}\nComponent: ${component}\nOrigin: ${suite.origin}\nLabel: ${suite.label}\nArchitecture: ${architecture}\n`,
        ),
      );
    }
    const sources = publication.sources.filter(
      (source) => source.suite === suite.name && source.component === component,
    );
    addIndex(`${component}/source/Sources`, stanzas(sources.map(sourceStanza)));
    addIndex(`${component}/i18n/Translation-en`, stanzas(unique(inComponent.map(translationStanza))));
  }
  for (const architecture of suite.architectures) {
    const text = contents(
      debs.filter(({ facts }) => facts.architecture === architecture || facts.architecture === "all"),
    );
    indices.set(`Contents-${architecture}.gz`, gzipSync(Buffer.from(text)));
  }
  await Promise.all(compressed);
  await writeIndices(directory, suite, indices, before);
  await writeRelease(directory, release(suite, publication.date, indices), publication.key);
}

async function writeIndices(
  directory: string,
  _suite: Suite,
  indices: ReadonlyMap<string, Uint8Array>,
  before: string | undefined,
): Promise<void> {
  for (const [path, bytes] of indices) {
    if (/\/(Packages|Sources|Translation-en)$/.test(path)) continue;
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    for (const [algorithm, folder] of [
      ["md5", "MD5Sum"],
      ["sha1", "SHA1"],
      ["sha256", "SHA256"],
    ] as const) {
      link(file, join(dirname(file), "by-hash", folder, createHash(algorithm).update(bytes).digest("hex")));
    }
    // A client that has read the previous Release can still fetch the files that it names.
    const old = before === undefined ? undefined : join(before, path);
    if (old !== undefined && existsSync(old)) {
      const digest = createHash("sha256").update(readFileSync(old)).digest("hex");
      link(old, join(dirname(file), "by-hash", "SHA256", digest));
    }
  }
}

/** The three files with which the verification of a suite starts. */
export const releaseFiles: readonly string[] = ["Release", "InRelease", "Release.gpg"];

/** Writes Release, InRelease and Release.gpg. */
export async function writeRelease(directory: string, text: string, key: ArchiveKey): Promise<void> {
  const { inRelease, releaseGpg } = await signRelease(text, key);
  for (const [name, content] of [
    ["Release", text],
    ["InRelease", inRelease],
    ["Release.gpg", releaseGpg],
  ] as const) {
    writeFileSync(join(directory, name), content);
  }
}

function release(suite: Suite, date: Date, indices: ReadonlyMap<string, Uint8Array>): string {
  const files = [...indices.keys()].sort().map((path) => {
    const digests: Digests = digestsOf(indices.get(path) ?? new Uint8Array());
    return { path, digests };
  });
  const list = (pick: (digests: Digests) => string) =>
    files
      .map(({ path, digests }) => ` ${pick(digests)} ${String(digests.size).padStart(16)} ${path}`)
      .join("\n");
  return `Origin: ${suite.origin}
Label: ${suite.label}
Suite: ${suite.name}
Version: ${suite.version}
Codename: ${suite.codename}
Date: ${launchpadDate(date)}
Architectures: ${suite.architectures.join(" ")}
Components: ${suite.components.join(" ")}
Description: ${suite.description}
Acquire-By-Hash: yes
MD5Sum:
${list((digests) => digests.md5)}
SHA1:
${list((digests) => digests.sha1)}
SHA256:
${list((digests) => digests.sha256)}
`;
}

/** The path of a package's file in the archive. */
export function poolPath({ component, facts }: Pick<PublishedDeb, "component" | "facts">): string {
  const version = facts.version.replace(/^\d+:/, "");
  return `pool/${component}/${poolFolder(facts.source)}/${facts.package}_${version}_${facts.architecture}.deb`;
}

function poolFolder(source: string): string {
  return `${source.startsWith("lib") ? source.slice(0, 4) : source.slice(0, 1)}/${source}`;
}

function packageStanza(deb: PublishedDeb): string {
  const { facts } = deb;
  const lines: string[] = [];
  for (const [name, value] of facts.control) {
    if (name === "Description") continue;
    lines.push(`${name}: ${value}`);
  }
  lines.push(
    `Filename: ${poolPath(deb)}`,
    `Size: ${facts.size}`,
    `MD5sum: ${facts.md5}`,
    `SHA1: ${facts.sha1}`,
    `SHA256: ${facts.sha256}`,
    `Description: ${description(facts).split("\n")[0]}`,
    `Description-md5: ${descriptionMd5(facts)}`,
  );
  if (deb.phased !== undefined) lines.push(`Phased-Update-Percentage: ${deb.phased}`);
  return lines.join("\n");
}

function translationStanza({ facts }: PublishedDeb): string {
  return `Package: ${facts.package}\nDescription-md5: ${descriptionMd5(facts)}\nDescription-en: ${description(facts)}`;
}

function description(facts: DebFacts): string {
  return facts.control.find(([name]) => name === "Description")?.[1] ?? "";
}

function descriptionMd5(facts: DebFacts): string {
  return createHash("md5")
    .update(`${description(facts)}\n`)
    .digest("hex");
}

function contents(debs: readonly PublishedDeb[]): string {
  const owners = new Map<string, Set<string>>();
  for (const { facts } of debs) {
    const section = facts.control.find(([name]) => name === "Section")?.[1] ?? "misc";
    for (const file of facts.files) {
      const set = owners.get(file) ?? new Set();
      set.add(`${section}/${facts.package}`);
      owners.set(file, set);
    }
  }
  return [...owners]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([file, packages]) => `${file.padEnd(60)} ${[...packages].sort().join(",")}\n`)
    .join("");
}

function dscFields(source: PublishedSource): (readonly [string, string])[] {
  const signed = readFileSync(source.dsc, "utf8");
  const body = /^-----BEGIN PGP SIGNED MESSAGE-----\n(?:.+\n)*\n([\s\S]*?)\n-----BEGIN PGP SIGNATURE/.exec(
    signed,
  );
  return parseControl(body?.[1] ?? signed);
}

function sourceName(source: PublishedSource): string {
  return dscFields(source).find(([name]) => name === "Source")?.[1] ?? "";
}

function sourceDirectory(source: PublishedSource): string {
  return `pool/${source.component}/${poolFolder(sourceName(source))}`;
}

function sourceFiles(source: PublishedSource): string[] {
  const files = dscFields(source).find(([name]) => name === "Checksums-Sha256")?.[1] ?? "";
  const named = files
    .split("\n")
    .map((line) => line.trim().split(/\s+/)[2] ?? "")
    .filter((name) => name !== "");
  return [...named, source.dsc.slice(dirname(source.dsc).length + 1)];
}

function sourceStanza(source: PublishedSource): string {
  const dsc = digestsOf(readFileSync(source.dsc));
  const name = source.dsc.slice(dirname(source.dsc).length + 1);
  const own: Readonly<Record<string, string>> = {
    Files: `\n ${dsc.md5} ${dsc.size} ${name}`,
    "Checksums-Sha1": `\n ${dsc.sha1} ${dsc.size} ${name}`,
    "Checksums-Sha256": `\n ${dsc.sha256} ${dsc.size} ${name}`,
  };
  const lines = dscFields(source).map(([field, value]) => {
    if (field === "Source") return `Package: ${value}`;
    return own[field] === undefined ? `${field}: ${value}` : `${field}:${own[field]}${value}`;
  });
  return [...lines, `Directory: ${sourceDirectory(source)}`].join("\n");
}

function stanzas(list: readonly string[]): string {
  return list.map((stanza) => `${stanza}\n\n`).join("");
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)];
}

function link(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

async function xz(bytes: Uint8Array): Promise<Uint8Array> {
  return (await tryCommandBytes(["xz", "--stdout", "-2"], { input: bytes })).stdout;
}

/** The names of the suites in a publication. */
export function suitesIn(publication: string): string[] {
  return readdirSync(join(publication, "dists"));
}
