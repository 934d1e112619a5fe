import { ExplainedError } from "../../errors/explained-error.ts";
import { isSanePath } from "../paths.ts";
import type { IndexBudget } from "./index-budget.ts";
import { interned } from "./interned-text.ts";
import { refusedByReprepro } from "./reprepro-rules.ts";
import { readStanzas, type Stanza } from "./stanzas.ts";

const relationFields = ["Depends", "Pre-Depends", "Recommends", "Provides"] as const;

/** Fields for dependencies and provided names of a package. */
export type RelationField = (typeof relationFields)[number];

/** One package of an index. Its values have been checked. */
export interface IndexedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Without the component, e.g. `net` of `universe/net`. Empty when there is none. */
  readonly section: string;
  /** Name of its source package. */
  readonly source: string;
  /** Below the archive's root. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** Percentage of machines that it is offered to; undefined for all. */
  readonly phase: number | undefined;
  /** Why reprepro refuses it; undefined if it does not. */
  readonly unfit: string | undefined;
  /** A field's text on one line; undefined when there is no such field. @throws Error if relations were not read */
  field(name: RelationField): string | undefined;
}

/** A file of a source package. */
export interface SourceFile {
  /** Name of the source package. */
  readonly name: string;
  readonly version: string;
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** Why reprepro refuses its package; undefined if it does not. */
  readonly unfit?: string | undefined;
}

/** A rejected stanza. It only matters if one of its names is selected. */
export interface RejectedStanza {
  /** All values that a reader may take for the package's name. */
  readonly names: readonly string[];
  /** Its version, if name and version are valid. */
  readonly version: string | undefined;
  /** The index, e.g. `dists/noble/main/binary-amd64/Packages`. */
  readonly file: string;
  /** What is wrong, e.g. `at byte 4711 lacks SHA256`. */
  readonly why: string;
}

type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

const packageFields = {
  single: [
    "package",
    "version",
    "architecture",
    "section",
    "source",
    "filename",
    "size",
    "sha256",
    "phased-update-percentage",
    // Not used here, but by programs that check files: a second value would be ambiguous.
    "md5sum",
    "sha1",
    "sha512",
    "directory",
    "priority",
    "essential",
    "multi-arch",
  ],
  long: relationFields.map((field) => field.toLowerCase()),
};
const needed = ["Package", "Version", "Architecture", "Filename", "Size", "SHA256"] as const;

/** apt treats such lines as empty; perl's paragraph mode on the host does not. */
const withReturns = "its index has carriage returns instead of empty lines";

class Package implements IndexedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly section: string;
  readonly source: string;
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly phase: number | undefined;
  unfit: string | undefined;
  readonly #relations: readonly (string | undefined)[] | undefined;

  constructor(stanza: Stanza, withRelations: boolean) {
    this.name = stanza.value("package") ?? "";
    this.version = stanza.value("version") ?? "";
    this.architecture = interned(stanza.value("architecture") ?? "");
    this.section = interned((stanza.value("section") ?? "").replace(/^.*\//, ""));
    this.path = relativeOf(stanza.value("filename") ?? "");
    this.size = Number(stanza.value("size"));
    this.sha256 = (stanza.value("sha256") ?? "").toLowerCase();
    const phase = stanza.value("phased-update-percentage");
    // apt does the same: it offers packages with other values to all machines.
    this.phase = phase !== undefined && /^\d{1,2}$/.test(phase) ? Number(phase) : undefined;
    const source = sourceName(stanza.value("source"), this.name);
    this.source = source === this.name ? this.name : interned(source ?? this.name);
    this.unfit = stanza.loose && `it ${stanza.loose}`;
    this.unfit ??= refusedByReprepro({
      name: this.name,
      version: this.version,
      architecture: this.architecture,
      source,
      md5sum: stanza.value("md5sum"),
      sha1: stanza.value("sha1"),
      sha256: stanza.value("sha256"),
    });
    this.#relations = withRelations
      ? relationFields.map((field) => stanza.value(field.toLowerCase()))
      : undefined;
  }

  field(name: RelationField): string | undefined {
    if (!this.#relations) throw new Error(`${name} of ${this.name} was not read`);
    return this.#relations[relationFields.indexOf(name)];
  }
}

/** The name in a `Source` field, which may also contain the version; undefined if it is invalid. */
export function sourceName(field: string | undefined, name: string): string | undefined {
  if (field === undefined) return name;
  const found = /^([^\s()/]{1,200})(?: +\([^\s()]*\))?$/.exec(field)?.[1];
  return found && isPackageName(found) ? found : undefined;
}

/** apt accepts almost any name. Here only names that are safe in paths and lists are valid. */
function isPackageName(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_+.~-]{0,199}$/.test(text);
}

/** apt compares any text. Here only versions that are safe in lists are valid. */
function isVersion(text: string): boolean {
  return /^[A-Za-z0-9.+:~_%@^=-]{1,200}$/.test(text);
}

/** What is wrong with name and version; undefined when nothing is. */
function wrongVersion(stanza: Stanza): string | undefined {
  if (!isPackageName(stanza.value("package") ?? "")) return "has an invalid name";
  return isVersion(stanza.value("version") ?? "") ? undefined : "has an invalid version";
}

function wrongPackage(stanza: Stanza): string | undefined {
  if (stanza.odd !== undefined) return stanza.odd;
  const missing = needed.filter((field) => !stanza.value(field.toLowerCase()));
  if (missing.length > 0) return `lacks ${missing.join(", ")}`;
  const wrong = wrongVersion(stanza);
  if (wrong) return wrong;
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/.test(stanza.value("architecture") ?? ""))
    return "has an invalid architecture";
  const path = stanza.value("filename") ?? "";
  if (!isSanePoolPath(relativeOf(path)))
    return `has an invalid Filename: ${JSON.stringify(path.slice(0, 120))}`;
  if (!/^\d{1,15}$/.test(stanza.value("size") ?? "")) return "has an invalid Size";
  return /^[0-9a-f]{64}$/i.test(stanza.value("sha256") ?? "") ? undefined : "has an invalid SHA256";
}

/**
 * Reads a Packages index, from uncompressed pieces.
 *
 * @param file Its name in errors, e.g. `dists/noble/main/binary-amd64/Packages`.
 * @param withRelations Whether `field` returns relations: they are the larger part of the memory for an index.
 */
export async function readPackages(
  pieces: Pieces,
  file: string,
  budget: IndexBudget,
  withRelations = true,
): Promise<{ readonly packages: readonly IndexedPackage[]; readonly odd: readonly RejectedStanza[] }> {
  const packages: Package[] = [];
  const odd: RejectedStanza[] = [];
  const returns = await readStanzas(pieces, packageFields, file, (stanza) => {
    budget.spendStanza(stanza.size, file);
    const wrong = wrongPackage(stanza);
    if (wrong) odd.push(oddStanza(stanza, file, wrong));
    else packages.push(new Package(stanza, withRelations));
  });
  if (returns) for (const found of packages) found.unfit ??= withReturns;
  return { packages, odd };
}

const sourceFields = {
  single: ["package", "version", "directory"],
  long: ["files", "checksums-sha1", "checksums-sha256", "checksums-sha512"],
};
/** Other lists of the same files; some readers use each of them. */
const otherLists = ["files", "checksums-sha1", "checksums-sha512"];

/** Reads a Sources index, from uncompressed pieces: every file of every source package. */
export async function readSources(
  pieces: Pieces,
  file: string,
  budget: IndexBudget,
): Promise<{ readonly sources: readonly SourceFile[]; readonly odd: readonly RejectedStanza[] }> {
  const sources: SourceFile[] = [];
  const odd: RejectedStanza[] = [];
  const returns = await readStanzas(pieces, sourceFields, file, (stanza) => {
    budget.spendStanza(stanza.size, file);
    const files = filesOf(stanza);
    if (typeof files === "string") odd.push(oddStanza(stanza, file, files));
    else for (const found of files) sources.push(found);
  });
  if (!returns) return { sources, odd };
  return { sources: sources.map((found) => ({ ...found, unfit: found.unfit ?? withReturns })), odd };
}

/** The files of a source package, or what is wrong. */
function filesOf(stanza: Stanza): SourceFile[] | string {
  if (stanza.odd !== undefined) return stanza.odd;
  const name = stanza.value("package");
  const version = stanza.value("version");
  const listed = listOf(stanza, "checksums-sha256");
  if (!name || !version || listed === undefined || typeof listed === "string" || listed.size === 0) {
    return typeof listed === "string" ? listed : "lacks Package, Version or a Checksums-Sha256 list";
  }
  const wrong = wrongVersion(stanza);
  if (wrong) return wrong;
  const directory = relativeOf(stanza.value("directory") ?? ".").replace(/\/$/, "");
  const files: SourceFile[] = [];
  const unfit = stanza.loose ? `it ${stanza.loose}` : refusedByReprepro({ name, version, source: name });
  for (const [file, { digest, size }] of listed) {
    const path = directory === "." || directory === "" ? file : `${directory}/${file}`;
    if (file.includes("/") || !isSanePoolPath(path) || !/^[0-9a-f]{64}$/.test(digest)) {
      return `lists an invalid file: ${JSON.stringify(path.slice(0, 120))}`;
    }
    files.push({ name, version, path, size: Number(size), sha256: digest, ...(unfit ? { unfit } : {}) });
  }
  for (const other of otherLists) {
    const list = listOf(stanza, other);
    if (typeof list === "string") return list;
    for (const [file, { size }] of list ?? []) {
      if (listed.get(file)?.size !== size)
        return `lists ${JSON.stringify(file.slice(0, 80))} in ${other}, but not with the same size in Checksums-Sha256`;
    }
  }
  return files;
}

/** Entries of a list with digest, size and name per line, by name; or what is wrong with it. */
function listOf(
  stanza: Stanza,
  field: string,
): Map<string, { readonly digest: string; readonly size: string }> | string | undefined {
  const lines = stanza.lines(field);
  if (lines.length === 0) return undefined;
  const [first, ...rest] = lines;
  // Some readers ignore the first line of the field, and some do not.
  if (first !== "") return `has text on the first line of ${field}`;
  const list = new Map<string, { readonly digest: string; readonly size: string }>();
  for (const line of rest) {
    const [, digest = "", size = "", file = ""] =
      /^([0-9a-f]{32,128})[ \t]+0*(\d{1,15})[ \t]+([\x21-\x7e]{1,1000})$/.exec(line) ?? [];
    if (!file) return `has an invalid line in ${field}: ${JSON.stringify(line.slice(0, 60))}`;
    if (list.has(file)) return `lists ${JSON.stringify(file.slice(0, 80))} twice in ${field}`;
    list.set(file, { digest, size });
  }
  return list;
}

function oddStanza(stanza: Stanza, file: string, wrong: string): RejectedStanza {
  const unambiguous = stanza.odd === undefined && !wrongVersion(stanza);
  const version = unambiguous ? interned(stanza.value("version") ?? "") : undefined;
  return { names: stanza.anyOf("package"), version, file, why: `at byte ${stanza.at} ${wrong}` };
}

function relativeOf(path: string): string {
  return path.replace(/^(\.\/)+/, "");
}

/** apt escapes the path in a URL, so any character may be part of a name; `%3a` is common in file names. */
function isSanePoolPath(path: string): boolean {
  return isSanePath(path.replaceAll("%", "_")) && path !== "pool" && path !== "dists";
}

/** The error for rejected stanzas that are selected. */
export function refuseRejected(found: readonly RejectedStanza[], remedy: string): ExplainedError {
  const [first] = found;
  const name = first?.names.length
    ? `package ${first.names.map((one) => JSON.stringify(one)).join(" or ")}`
    : "a package";
  const more = found.length > 1 ? `, and ${found.length - 1} more like it` : "";
  return new ExplainedError({
    step: `reading ${first?.file}`,
    found: `${name} ${first?.why}${more}`,
    remedy,
  });
}
