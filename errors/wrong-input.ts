import { z } from "zod";

/*
 * Messages for values that a schema refuses. A schema's own messages take precedence. Importing this file is enough,
 * because it registers its function with zod.
 */

/**
 * The path of a declared value in the usual notation: `["files", "/etc/motd", "mode"]` as `files["/etc/motd"].mode`.
 */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(String(key))) return `${text}[${JSON.stringify(String(key))}]`;
    return text ? `${text}.${String(key)}` : String(key);
  }, "");
}

type Issue = z.core.$ZodRawIssue;

/** The types of values, as messages name them for the stack file. */
const asked: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list, e.g. [one, two] or a line for each that begins with a hyphen",
  object: "a group of settings, a line for each",
  record: "a group of names with their settings, a line for each",
};

z.config({ customError: sentenceFor });

function sentenceFor(issue: Issue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return wrongType(issue.expected, issue.input);
    case "invalid_value":
      return issue.input === undefined
        ? "is missing"
        : `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "unrecognized_keys":
      return unknownKeys(issue.keys, keysOf(issue.inst));
    case "invalid_key":
      return issue.issues.map(({ message }) => message).join("; ");
    case "invalid_union":
      return issue.input === undefined ? "is missing" : "has none of the forms that are possible here";
    case "too_small":
      return `is ${issue.origin === "string" || issue.origin === "array" ? "too short" : "too small"}: the least is ${issue.minimum}`;
    case "too_big":
      return `is ${issue.origin === "string" || issue.origin === "array" ? "too long" : "too large"}: the most is ${issue.maximum}`;
    default:
      return undefined;
  }
}

function wrongType(expected: string, input: unknown): string {
  const wanted = asked[expected] ?? expected;
  if (input === undefined || input === null) return `is missing: it must be ${wanted}`;
  if (typeof input === "string") {
    const isNumber = expected === "number" || expected === "int";
    if (isNumber && /^\s*-?\d+(\.\d+)?\s*$/.test(input)) return "is a text: write the number without quotes";
    if (expected === "boolean" && /^\s*(true|false)\s*$/.test(input)) {
      return "is a text: write true or false without quotes";
    }
  }
  return `must be ${wanted}, and is ${kindOf(input)}`;
}

function kindOf(input: unknown): string {
  if (Array.isArray(input)) return "a list";
  if (typeof input === "number") {
    if (Number.isNaN(input)) return "not a number";
    return Number.isInteger(input) ? "a number" : "a number with a fraction";
  }
  if (typeof input === "object") return "a group of settings";
  return typeof input === "string" ? "a text" : String(input);
}

function unknownKeys(keys: readonly string[], known: readonly string[]): string {
  return keys
    .map((key) => {
      const near = nearest(key, known);
      return `${JSON.stringify(key)} is not known here${near === undefined ? `; known are ${known.join(", ")}` : `: is ${near} meant?`}`;
    })
    .join("; ");
}

function keysOf(schema: Issue["inst"]): string[] {
  const { def } = (schema as { _zod?: { def: { type?: string; shape?: object } } } | undefined)?._zod ?? {};
  return Object.keys(def?.shape ?? {});
}

/** The only known key with this beginning, otherwise the most similar key, if it is similar enough. */
function nearest(key: string, known: readonly string[]): string | undefined {
  const [longer, ...others] = known.filter((each) => key.length > 2 && each.startsWith(key));
  if (longer !== undefined && others.length === 0) return longer;
  const [best] = known
    .map((each) => ({ each, distance: distance(key.toLowerCase(), each.toLowerCase()) }))
    .sort((one, two) => one.distance - two.distance);
  return best && best.distance <= Math.max(1, Math.floor(best.each.length / 3)) ? best.each : undefined;
}

/** The number of letters to add, remove, change, or exchange with the next one (optimal string alignment). */
function distance(from: string, to: string): number {
  const rows = [Array.from({ length: to.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const changed = from[i - 1] === to[j - 1] ? 0 : 1;
      const [above = [], beyond = []] = [rows[i - 1], rows[i - 2]];
      let least = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + changed);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        least = Math.min(least, (beyond[j - 2] ?? 0) + 1);
      }
      row.push(least);
    }
    rows.push(row);
  }
  return rows[from.length]?.[to.length] ?? Math.max(from.length, to.length);
}
