import { ExplainedError } from "../../errors/explained-error.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Reads a JSON object; what it may hold is for the caller to check. */
export function jsonDocument(text: string, name: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformed(name, `it is not JSON (${(error as Error).message.slice(0, 120)})`, error);
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
