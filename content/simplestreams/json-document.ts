import { ExplainedError } from "../../errors/explained-error.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Objects and lists within each other. A stream has about ten, and Python's reader, which is MAAS's, gives up at some
 * thousand. What goes deeper would end whatever walks it.
 */
const deepest = 500;

/**
 * Reads a JSON object; what it may hold is for the caller to check. Of a key that is there twice the last one
 * counts, as for Python's reader.
 *
 * @throws ExplainedError for what is no JSON object, or goes deeper than 500 levels
 */
export function jsonDocument(text: string, name: string): JsonObject {
  let value: unknown;
  if (depthOf(text) > deepest) {
    throw malformed(name, `it has more than ${deepest} objects or lists within each other`);
  }
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformed(name, `it is not JSON (${printable((error as Error).message.slice(0, 120))})`, error);
  }
  if (!isObject(value)) throw malformed(name, "it is not a JSON object");
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A word that may stand in a list or a preview: printable ASCII without blanks. */
export function isWord(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]{1,256}$/.test(value);
}

/** A word that may be a key of what Pulumi keeps: it loses `__proto__`. */
export function isKey(value: unknown): value is string {
  return isWord(value) && value !== "__proto__";
}

/** A word that may stand between slashes, commas and brackets: what MAAS makes an image's name of. */
export function isName(value: unknown): value is string {
  return isWord(value) && !/[/,()]/.test(value);
}

/** What was found, for an error's text: printable ASCII, of moderate length, whatever it is. */
export function shown(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "a list";
  if (isObject(value)) return "an object";
  return printable(JSON.stringify(typeof value === "string" ? value.slice(0, 120) : value));
}

/** The refusal of a stream that is not as MAAS needs it. `found` names product and item. */
export function malformed(name: string, found: string, cause?: unknown): ExplainedError {
  return new ExplainedError({
    step: `reading ${name}`,
    found,
    remedy:
      "Nothing was taken over. Ask those who run the stream, or use another mirror of it; check too that the URL is a stream of MAAS images.",
    cause,
  });
}

/** A terminal obeys other characters. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * How many values a JSON text has at most, told before it is read: a text of two bytes a value takes many times its size
 * in memory.
 */
export function valuesIn(text: string): number {
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    const one = text.charCodeAt(at);
    if (one === comma || opening.has(one)) values++;
  }
  return values;
}

const [quote, backslash, comma] = ['"', "\\", ","].map((one) => one.charCodeAt(0));
const opening = new Set(["{", "["].map((one) => one.charCodeAt(0)));
const closing = new Set(["}", "]"].map((one) => one.charCodeAt(0)));

function depthOf(text: string): number {
  let most = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const one = text.charCodeAt(at);
    if (one === quote) {
      for (at++; at < text.length && text.charCodeAt(at) !== quote; at++) {
        if (text.charCodeAt(at) === backslash) at++;
      }
    } else if (opening.has(one)) {
      depth++;
      if (depth > most) most = depth;
    } else if (closing.has(one)) depth--;
  }
  return most;
}
