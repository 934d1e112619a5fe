import { ExplainedError } from "../../errors/explained-error.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Maximum depth of nested objects and lists. A stream has about ten, and Python's reader, which MAAS uses, fails at
 * about a thousand. Deeper nesting would crash a recursive reader.
 */
const maximumDepth = 500;

/**
 * Reads a JSON object; the caller checks its content. If a key occurs twice, the last value counts, as in Python's
 * reader.
 *
 * @throws ExplainedError for a text that is not a JSON object, or has more than 500 levels.
 */
export function jsonDocument(text: string, name: string): JsonObject {
  let value: unknown;
  if (depthOf(text) > maximumDepth) {
    throw malformed(name, `it has more than ${maximumDepth} levels of nested objects or lists`);
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

/** A word for lists and previews: printable ASCII without blanks. */
export function isWord(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]{1,256}$/.test(value);
}

/** A word that can be a key in Pulumi's state, which loses `__proto__`. */
export function isKey(value: unknown): value is string {
  return isWord(value) && value !== "__proto__";
}

/** A word without slashes, commas and brackets: a part of an image's name in MAAS. */
export function isName(value: unknown): value is string {
  return isWord(value) && !/[/,()]/.test(value);
}

/** A value for messages: printable ASCII, of limited length. */
export function shown(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "a list";
  if (isObject(value)) return "an object";
  return printable(JSON.stringify(typeof value === "string" ? value.slice(0, 120) : value));
}

/** The error for a stream that MAAS could not use. `found` names product and item. */
export function malformed(name: string, found: string, cause?: unknown): ExplainedError {
  return new ExplainedError({
    step: `reading ${name}`,
    found,
    remedy:
      "Nothing was changed. Ask the operator of the stream, or use another mirror of it. Also check that the URL is a stream of MAAS images.",
    cause,
  });
}

/** Other characters could control a terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * The maximum number of values in a JSON text, computed before it is parsed: a text with two bytes per value takes
 * many times its size in memory.
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
