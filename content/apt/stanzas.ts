import { ExplainedError } from "../../errors/explained-error.ts";

/*
 * The only reader of stanzas of archives and packages (deb822(5)). A stanza is read once, by stricter rules than those
 * of other readers (apt's pkgTagSection, reprepro's chunks.c, dpkg's parse.c), so that none of them can find another
 * value in it. Where they would differ, the stanza is odd.
 */

/** The fields to read, by their names in lower case. All others are ignored. */
export interface FieldNames {
  /** Fields with one value on one line. */
  readonly single: readonly string[];
  /** Fields that may have several lines. */
  readonly long: readonly string[];
}

/** A stanza while it is read. It is reused: copy the values that you need later. */
export interface Stanza {
  /** Offset of its beginning in bytes. */
  readonly at: number;
  /** Bytes. */
  readonly size: number;
  /** Why other readers might read it differently; undefined if they cannot. */
  readonly odd: string | undefined;
  /**
   * Why a stricter reader may refuse it, although all that accept it read the same; undefined if there is no reason.
   */
  readonly loose: string | undefined;
  /** The value of a field of either kind, without surrounding blanks; several lines are joined with a blank. */
  value(name: string): string | undefined;
  /** The lines of a long field, beginning with the line of its name, each without surrounding blanks. */
  lines(name: string): readonly string[];
  /** Its first bytes. */
  begins(): string;
  /** All values that any reader may find for a single field: for ambiguous stanzas. */
  anyOf(name: string): readonly string[];
}

/** Maximum size of a stanza in bytes. Larger ones are unknown, and reprepro does not read them. */
const maximumStanzaBytes = 4 * 1024 * 1024;
/** Maximum number of fields that are checked for equal names. */
const maximumFields = 250;
/** Bytes read at once. A stanza that extends beyond them is read again from its start. */
const portion = 1024 * 1024;

const [tab, lineFeed, carriageReturn, blank, hash, hyphen, colon] = [9, 10, 13, 32, 35, 45, 58];

/** A field name consists of printable ASCII without colon. */
const inName = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > 32 && byte < 127 && byte !== colon ? 1 : 0,
);

/**
 * Reads stanzas from the pieces of a text, in order.
 *
 * @param file The text's name in errors.
 * @returns Whether stanzas are separated by lines of carriage returns, which only some readers treat as empty.
 * @throws ExplainedError for a stanza of over 4 MiB.
 */
export async function readStanzas(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  names: FieldNames,
  file: string,
  each: (stanza: Stanza) => void,
): Promise<boolean> {
  const tooLarge = (at: number, begins: string) =>
    new ExplainedError({
      step: `reading ${file}`,
      found: `the stanza at byte ${at} (${JSON.stringify(begins)}...) has more than 4 MiB`,
      remedy: "Nothing was changed. Ask the operator of the archive, or use another mirror of it.",
    });
  const reader = new Reader(names, (stanza) => {
    if (stanza.size > maximumStanzaBytes) throw tooLarge(stanza.at, stanza.begins());
    each(stanza);
  });
  // One buffer for all portions: new ones would be allocated faster than they are collected.
  let place = Buffer.allocUnsafe(2 * portion);
  let length = 0;
  let unread = 0;
  const read = (last: boolean) => {
    const end = reader.read(place.subarray(0, length), last);
    place.copyWithin(0, end, length);
    length -= end;
    if (length > maximumStanzaBytes) throw tooLarge(reader.at, place.toString("latin1", 0, 60));
    unread = 0;
  };
  for await (const piece of pieces) {
    if (length + piece.length > place.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * place.length, length + piece.length));
      place.copy(larger, 0, 0, length);
      place = larger;
    }
    place.set(piece, length);
    length += piece.length;
    unread += piece.length;
    if (unread >= portion) read(false);
  }
  if (length > 0) read(true);
  return reader.returns;
}

class Reader implements Stanza {
  /** Offset of the bytes that are read next, in the text. */
  at = 0;
  size = 0;
  odd: string | undefined;
  loose: string | undefined;
  /** Whether there were lines that contain only carriage returns. */
  returns = false;
  readonly #each: (stanza: Stanza) => void;
  readonly #slots = new Map<string, number>();
  readonly #singles: number;
  readonly #initials = new Uint8Array(256);
  readonly #longest: number;
  /** By field: where its value begins (-1: not present), where it ends, and how many lines follow the first one. */
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #further: Int32Array;
  /** For the fields so far: where each begins, and a number that is equal for equal names. */
  readonly #fields = new Int32Array(maximumFields);
  readonly #hashes = new Int32Array(maximumFields);
  #count = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #mayHaveNul = false;
  #start = 0;
  /** The field of the last line; -1 for an ignored one, -2 for none. */
  #current = -2;

  constructor({ single, long }: FieldNames, each: (stanza: Stanza) => void) {
    this.#each = each;
    const names = [...single, ...long];
    for (const [slot, name] of names.entries()) {
      this.#slots.set(name, slot);
      this.#initials[name.charCodeAt(0)] = 1;
      this.#initials[name.toUpperCase().charCodeAt(0)] = 1;
    }
    this.#singles = single.length;
    this.#longest = Math.max(...names.map((name) => name.length));
    this.#starts = new Int32Array(names.length);
    this.#ends = new Int32Array(names.length);
    this.#further = new Int32Array(names.length);
  }

  /** Reads all stanzas that end in these bytes; returns their number of bytes. */
  read(bytes: Buffer, last: boolean): number {
    const origin = this.at;
    this.#bytes = bytes;
    this.#mayHaveNul = bytes.includes(0);
    let from = 0;
    for (;;) {
      from = this.#skipEmpty(from);
      this.at = origin + from;
      if (from >= bytes.length) return from;
      const end = this.#stanza(from, last);
      if (end < 0) return from;
      // Only carriage returns without a line end are left.
      if (end === from) return bytes.length;
      this.size = end - from;
      if (this.odd === undefined) this.odd = this.#oddSingle();
      if (this.#mayHaveNul && bytes.subarray(from, end).includes(0)) this.loose ??= "has a NUL character";
      this.#each(this);
      from = end;
    }
  }

  /** The end of the stanza that begins here, at the empty line after it; -1 if that is not in the bytes yet. */
  #stanza(start: number, last: boolean): number {
    const bytes = this.#bytes;
    this.#starts.fill(-1);
    this.#start = start;
    this.#current = -2;
    this.odd = undefined;
    this.loose = undefined;
    this.#count = 0;
    for (let at = start; at < bytes.length; ) {
      let stop = bytes.indexOf(lineFeed, at);
      if (stop < 0) {
        if (!last) return -1;
        stop = bytes.length;
      }
      if (at === stop || (bytes[at] === carriageReturn && isEmpty(bytes, at, stop))) {
        if (at < stop) this.returns = true;
        return at;
      }
      this.#line(at, stop);
      at = stop + 1;
    }
    return last ? bytes.length : -1;
  }

  /** The beginning of the first line that is not empty. */
  #skipEmpty(from: number): number {
    const bytes = this.#bytes;
    let start = from;
    for (let at = from; at < bytes.length; at += 1) {
      if (bytes[at] === lineFeed) {
        if (at > start) this.returns = true;
        start = at + 1;
      } else if (bytes[at] !== carriageReturn) break;
    }
    return start;
  }

  #line(at: number, stop: number): void {
    const bytes = this.#bytes;
    const first = bytes[at] as number;
    if (first === blank || first === tab) {
      if (this.#current === -2) this.odd ??= "begins with a continuation line";
      else if (this.#current >= 0) {
        this.#ends[this.#current] = stop;
        this.#further[this.#current] = (this.#further[this.#current] as number) + 1;
      }
      if (this.loose === undefined && isBlankOnly(bytes, at, stop)) this.loose = "has a line of blanks only";
      return;
    }
    let end = at;
    let equal = 0;
    for (; end < stop && inName[bytes[end] as number] === 1; end += 1) {
      equal = (Math.imul(equal, 31) + ((bytes[end] as number) | 32)) | 0;
    }
    if (end === stop || end === at || bytes[end] !== colon || first === hash || first === hyphen) {
      this.odd ??= `has an invalid line: ${JSON.stringify(bytes.toString("latin1", at, Math.min(stop, at + 60)))}`;
      this.#current = -1;
      return;
    }
    this.#current = -1;
    this.#compare(at, end, equal);
    if (this.#initials[first] === 0 || end - at > this.#longest) return;
    const slot = this.#slots.get(bytes.toString("latin1", at, end).toLowerCase());
    if (slot === undefined) return;
    this.#current = slot;
    if (this.#starts[slot] !== -1) {
      this.odd ??= `has ${bytes.toString("latin1", at, end)} twice`;
      return;
    }
    this.#starts[slot] = end + 1;
    this.#ends[slot] = stop;
    this.#further[slot] = 0;
  }

  /** Checks whether a field of this name exists already. */
  #compare(at: number, end: number, equal: number): void {
    for (let index = 0; index < this.#count; index += 1) {
      if (this.#hashes[index] !== equal || this.loose !== undefined) continue;
      const other = this.#fields[index] as number;
      const name = this.#bytes.toString("latin1", at, end);
      if (
        this.#bytes.toString("latin1", other, other + end - at + 1).toLowerCase() === `${name.toLowerCase()}:`
      )
        this.loose = `has ${name} twice`;
    }
    if (this.#count === maximumFields) {
      this.loose ??= `has more than ${maximumFields} fields`;
      return;
    }
    this.#fields[this.#count] = at;
    this.#hashes[this.#count] = equal;
    this.#count += 1;
  }

  /** What is odd about the fields with one value. */
  #oddSingle(): string | undefined {
    for (const [name, slot] of this.#slots) {
      if (slot >= this.#singles) return undefined;
      const from = this.#starts[slot] as number;
      if (from < 0) continue;
      if (this.#further[slot] !== 0) return `has a ${name} of several lines`;
      const stop = this.#ends[slot] as number;
      const [begin, end] = this.#within(from, stop);
      for (let at = end; at < stop; at += 1) {
        if (this.#bytes[at] === carriageReturn) this.loose ??= `has a carriage return after its ${name}`;
      }
      for (let at = begin; at < end; at += 1) {
        const byte = this.#bytes[at] as number;
        if (byte < blank || byte === 127) return `has a control character in its ${name}`;
      }
    }
    return undefined;
  }

  /** Without surrounding blanks. */
  #within(from: number, to: number): readonly [number, number] {
    let begin = from;
    let end = to;
    while (begin < end && isBlank(this.#bytes[begin]) && this.#bytes[begin] !== carriageReturn) begin += 1;
    while (end > begin && isBlank(this.#bytes[end - 1])) end -= 1;
    return [begin, end];
  }

  value(name: string): string | undefined {
    const slot = this.#slots.get(name) as number;
    const from = this.#starts[slot] as number;
    if (from < 0) return undefined;
    if (this.#further[slot] !== 0) return trimmed(this.lines(name).join(" "));
    return this.#bytes.toString("latin1", ...this.#within(from, this.#ends[slot] as number));
  }

  lines(name: string): readonly string[] {
    const slot = this.#slots.get(name) as number;
    const from = this.#starts[slot] as number;
    if (from < 0) return [];
    return this.#bytes.toString("latin1", from, this.#ends[slot]).split("\n").map(trimmed);
  }

  begins(): string {
    return this.#bytes.toString("latin1", this.#start, this.#start + Math.min(60, this.size));
  }

  anyOf(name: string): readonly string[] {
    const text = this.#bytes.toString("latin1", this.#start, this.#start + this.size);
    const found = text.matchAll(new RegExp(`^${name}[ \\t]*:[ \\t]*([!-9;-~]{1,200})`, "gim"));
    return [...new Set([...found].map(([, value = ""]) => value))];
  }
}

const isBlank = (byte: number | undefined) => byte === blank || byte === tab || byte === carriageReturn;

/** Without surrounding blanks. `trim` would also remove characters that other readers keep. */
function trimmed(line: string): string {
  let from = 0;
  let to = line.length;
  while (from < to && isBlank(line.charCodeAt(from))) from += 1;
  while (to > from && isBlank(line.charCodeAt(to - 1))) to -= 1;
  return line.slice(from, to);
}

/** Whether a line contains only carriage returns: all readers treat it as empty. */
function isEmpty(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (bytes[at] !== carriageReturn) return false;
  return true;
}

function isBlankOnly(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (!isBlank(bytes[at])) return false;
  return true;
}
