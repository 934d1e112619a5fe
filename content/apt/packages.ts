import { ExplainedError } from "../../errors/explained-error.ts";
import { isSanePath } from "../sane-path.ts";

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

const known = new Map<string, string>();

/** One string for all that are equal: for values of which there are few. */
function shared(text: string): string {
  const one = known.get(text);
  if (one !== undefined) return one;
  if (known.size < 10_000) known.set(text, text);
  return text;
}

/** A stanza stays in the index's own memory: tens of thousands of packages cost little beyond it. */
class Stanza implements IndexedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly section: string;
  readonly size: number;
  readonly phase: number | undefined;
  readonly #index: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(fields: Map<string, string>, index: Buffer, start: number, end: number) {
    this.name = fields.get("Package") ?? "";
    this.version = fields.get("Version") ?? "";
    this.architecture = shared(fields.get("Architecture") ?? "");
    this.section = shared((fields.get("Section") ?? "").replace(/^.*\//, ""));
    this.size = Number(fields.get("Size"));
    const phase = fields.get("Phased-Update-Percentage");
    this.phase = phase !== undefined && /^\d{1,2}$/.test(phase) ? Number(phase) : undefined;
    this.#index = index;
    this.#start = start;
    this.#end = end;
  }

  get path(): string {
    return (this.field("Filename") ?? "").replace(/^\.\//, "");
  }

  get sha256(): string {
    return (this.field("SHA256") ?? "").toLowerCase();
  }

  field(name: string): string | undefined {
    return fieldIn(this.#index, this.#start, this.#end, name);
  }
}

function fieldIn(index: Buffer, start: number, end: number, name: string): string | undefined {
  for (let at = start; at < end; ) {
    let stop = index.indexOf(newline, at);
    if (stop < 0 || stop > end) stop = end;
    if (index[at + name.length] === 58 && index.toString("latin1", at, at + name.length) === name) {
      const from = at + name.length + 1;
      while (stop < end && (index[stop + 1] === 32 || index[stop + 1] === 9)) {
        const next = index.indexOf(newline, stop + 1);
        stop = next < 0 || next > end ? end : next;
      }
      return index.toString("utf8", from, stop).replace(/\n\s*/g, " ").trim();
    }
    at = stop + 1;
  }
  return undefined;
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
              : !isSanePath((fields.get("Filename") ?? "").replace(/^\.\//, ""))
                ? `has a Filename that leads elsewhere: ${JSON.stringify(fields.get("Filename")?.slice(0, 120))}`
                : !/^\d{1,15}$/.test(fields.get("Size") ?? "")
                  ? "has a Size that is no number"
                  : !/^[0-9a-f]{64}$/i.test(fields.get("SHA256") ?? "")
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

const isBlank = (byte: number | undefined) => byte === 32 || byte === 9 || byte === 13;

/** Every stanza with the fields of these names. The map is the same one each time: take from it what is to stay. */
function* stanzas(index: Buffer, names: ReadonlySet<string>, file: string): Generator<Raw> {
  if (index.includes(0)) throw refuseStanza(file, undefined, index.indexOf(0), "has a NUL character");
  const initials = new Uint8Array(256);
  for (const name of names) initials[name.charCodeAt(0)] = 1;
  const fields = new Map<string, string>();
  let start = 0;
  let at = 0;
  while (at < index.length) {
    let stop = index.indexOf(newline, at);
    if (stop < 0) stop = index.length;
    if (stop === at) {
      if (at > start) yield { start, end: at, fields };
      fields.clear();
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
            let from = colon + 1;
            let to = stop;
            while (from < to && isBlank(index[from])) from += 1;
            while (to > from && isBlank(index[to - 1])) to -= 1;
            fields.set(key, index.toString("latin1", from, to));
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
