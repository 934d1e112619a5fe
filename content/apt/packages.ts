import { ExplainedError } from "../../errors/explained-error.ts";
import { isSanePath } from "./sane-path.ts";

/** One package of an index. Relations are read from the index when they are asked for. */
export interface IndexedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Without the component, e.g. `net` of `universe/net`. Empty when there is none. */
  readonly section: string;
  /** Below the archive's root. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** Percentage of machines it is offered to; undefined for all. */
  readonly phase: number | undefined;
  /** A field's text, e.g. of `Depends`; undefined when it has none. Name as written in the index. */
  field(name: string): string | undefined;
}

const newline = 10;
const needed = ["Package", "Version", "Architecture", "Filename", "Size", "SHA256"] as const;
const wanted = new Set<string>([...needed, "Section", "Phased-Update-Percentage"]);
const longest = 1_048_576;

/** A stanza stays in the index's own memory: tens of thousands of packages cost little beyond it. */
class Stanza implements IndexedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly section: string;
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly phase: number | undefined;
  readonly #index: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(fields: Map<string, string>, index: Buffer, start: number, end: number) {
    this.name = fields.get("Package") ?? "";
    this.version = fields.get("Version") ?? "";
    this.architecture = fields.get("Architecture") ?? "";
    this.section = (fields.get("Section") ?? "").replace(/^.*\//, "");
    this.path = (fields.get("Filename") ?? "").replace(/^\.\//, "");
    this.size = Number(fields.get("Size"));
    this.sha256 = (fields.get("SHA256") ?? "").toLowerCase();
    const phase = fields.get("Phased-Update-Percentage");
    this.phase = phase !== undefined && /^\d{1,2}$/.test(phase) ? Number(phase) : undefined;
    this.#index = index;
    this.#start = start;
    this.#end = end;
  }

  field(name: string): string | undefined {
    return fieldIn(this.#index, this.#start, this.#end, name);
  }
}

function fieldIn(index: Buffer, start: number, end: number, name: string): string | undefined {
  const text = index.toString("utf8", start, end);
  const prefix = `${name}:`;
  const at = text.startsWith(prefix) ? 0 : text.indexOf(`\n${prefix}`) + 1;
  if (at === 0 && !text.startsWith(prefix)) return undefined;
  let stop = text.indexOf("\n", at);
  while (stop >= 0 && /[ \t]/.test(text[stop + 1] ?? "")) stop = text.indexOf("\n", stop + 1);
  return text
    .slice(at + prefix.length, stop < 0 ? undefined : stop)
    .replace(/\n\s*/g, " ")
    .trim();
}

/**
 * Reads a Packages index.
 *
 * @param name What it is called in errors, e.g. `dists/noble/main/binary-amd64/Packages`.
 * @throws ExplainedError at the first stanza that lacks a field or has an impossible one.
 */
export function parsePackages(index: Buffer, name: string): IndexedPackage[] {
  const packages: IndexedPackage[] = [];
  for (const { start, end, fields } of stanzas(index, wanted, name)) {
    const found = new Stanza(fields, index, start, end);
    const missing = needed.filter((field) => !fields.get(field));
    const wrong =
      missing.length > 0
        ? `lacks ${missing.join(", ")}`
        : !/^[a-z0-9][a-z0-9+.-]{0,200}$/i.test(found.name)
          ? "has a name that is none"
          : !/^[A-Za-z0-9.+~:-]{1,200}$/.test(found.version)
            ? "has a version that is none"
            : !/^[a-z0-9-]{1,40}$/.test(found.architecture)
              ? "has an architecture that is none"
              : !isSanePath(found.path)
                ? `has a Filename that leads elsewhere: ${JSON.stringify(found.path.slice(0, 120))}`
                : !/^\d{1,15}$/.test(fields.get("Size") ?? "")
                  ? "has a Size that is no number"
                  : !/^[0-9a-f]{64}$/.test(found.sha256)
                    ? "has a SHA256 that is none"
                    : undefined;
    if (wrong) throw refuseStanza(name, fields.get("Package"), start, wrong);
    packages.push(found);
  }
  return packages;
}

/** A file of a source package. */
export interface SourceFile {
  readonly name: string;
  readonly version: string;
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

/** Reads a Sources index: every file of every source package. */
export function parseSources(index: Buffer, name: string): SourceFile[] {
  const files: SourceFile[] = [];
  for (const { start, end, fields } of stanzas(index, new Set(["Package", "Version", "Directory"]), name)) {
    const source = fields.get("Package") ?? "";
    const directory = fields.get("Directory") ?? "";
    const list = (fieldIn(index, start, end, "Checksums-Sha256") ?? "").split(" ").filter(Boolean);
    if (!source || !fields.get("Version") || list.length === 0 || list.length % 3 !== 0) {
      throw refuseStanza(name, source, start, "lacks Package, Version or a Checksums-Sha256 list");
    }
    for (let at = 0; at < list.length; at += 3) {
      const [sha256 = "", size = "", file = ""] = list.slice(at, at + 3);
      const path = `${directory}/${file}`;
      if (!isSanePath(path) || !/^[0-9a-f]{64}$/.test(sha256) || !/^\d{1,15}$/.test(size)) {
        throw refuseStanza(
          name,
          source,
          start,
          `lists an impossible file: ${JSON.stringify(path.slice(0, 120))}`,
        );
      }
      files.push({ name: source, version: fields.get("Version") ?? "", path, size: Number(size), sha256 });
    }
  }
  return files;
}

interface Raw {
  readonly start: number;
  readonly end: number;
  readonly fields: Map<string, string>;
}

function* stanzas(index: Buffer, names: ReadonlySet<string>, file: string): Generator<Raw> {
  if (index.includes(0)) throw refuseStanza(file, undefined, index.indexOf(0), "has a NUL character");
  const initials = new Uint8Array(256);
  for (const name of names) initials[name.charCodeAt(0)] = 1;
  let fields = new Map<string, string>();
  let start = 0;
  let at = 0;
  while (at < index.length) {
    let stop = index.indexOf(newline, at);
    if (stop < 0) stop = index.length;
    if (stop === at) {
      if (at > start) yield { start, end: at, fields };
      fields = new Map();
      start = stop + 1;
    } else {
      if (stop - at > longest)
        throw refuseStanza(file, fields.get("Package"), at, "has a line of over 1 MiB");
      const first = index[at] ?? 0;
      if (initials[first]) {
        // No name looked for is longer: only those few are made into text.
        const limit = Math.min(stop, at + 25);
        let colon = at;
        while (colon < limit && index[colon] !== 58) colon += 1;
        if (colon < limit) {
          const key = index.toString("latin1", at, colon);
          if (names.has(key)) {
            if (fields.has(key)) throw refuseStanza(file, fields.get("Package"), at, `has ${key} twice`);
            fields.set(key, index.toString("latin1", colon + 1, stop).trim());
          }
        }
      }
    }
    at = stop + 1;
  }
  if (start < index.length) yield { start, end: index.length, fields };
}

function refuseStanza(file: string, name: string | undefined, offset: number, wrong: string): ExplainedError {
  return new ExplainedError({
    step: `reading ${file}`,
    found: `${name ? `package ${JSON.stringify(name.slice(0, 80))}` : "a package"} at byte ${offset} ${wrong}`,
    remedy: "Nothing was taken over. Ask those who run the archive, or use another mirror of it.",
  });
}
