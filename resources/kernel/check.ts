import type { z } from "zod";
import { pathText } from "../../errors/wrong-input.ts";
import type { Json } from "./definition.ts";
import { type Properties, storable } from "./stored-properties.ts";

/**
 * The engine's marker for a value that is not known yet during a preview (rpc.unknownValue of the SDK, the same in
 * every release).
 */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export interface Failure {
  /** Path of the value: `suites[1]`. */
  readonly property: string;
  readonly reason: string;
}

interface Checked {
  readonly inputs: Properties;
  readonly failures: readonly Failure[];
}

export function containsUnknown(value: Json | undefined): boolean {
  if (value === unknown) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(containsUnknown);
}

/** The value without unknown entries; undefined if it is unknown itself. */
export function knownPart(value: Json): Json | undefined {
  if (value === unknown) return undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return containsUnknown(value) ? undefined : value;
  const known = Object.entries(value).flatMap(([key, item]): [string, Json][] => {
    // A partial entry would be a different value.
    const part = isPlainSet(item) ? knownPart(item) : containsUnknown(item) ? undefined : item;
    return part === undefined ? [] : [[key, part]];
  });
  return Object.fromEntries(known);
}

function isPlainSet(value: Json): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).some((item) => typeof item === "object")
  );
}

/**
 * Validates inputs and adds defaults. Unknown values are passed on unchanged, key by key: a preview must neither
 * refuse nor change them. Rules for several keys apply when all of them are known.
 */
export function check(schema: z.ZodObject, given: Properties): Checked {
  const declared = Object.fromEntries(Object.entries(given).filter(([key]) => !key.startsWith("__")));
  const unknownKeys = Object.keys(declared).filter((key) => containsUnknown(declared[key]));
  if (unknownKeys.length === 0) {
    const result = schema.safeParse(declared);
    return result.success
      ? { inputs: storable(result.data) as Properties, failures: [] }
      : { inputs: declared, failures: failuresOf(result.error) };
  }
  const inputs: Properties = {};
  const failures: Failure[] = [];
  for (const [key, keySchema] of Object.entries(schema.shape) as [string, z.ZodType][]) {
    const value = declared[key];
    const result = keySchema.safeParse(value);
    if (result.success) {
      if (result.data !== undefined) inputs[key] = storable(result.data);
    } else {
      if (value !== undefined) inputs[key] = value;
      const certain = result.error.issues.filter((issue) => !touchesUnknown(value, issue.path));
      failures.push(...certain.map((issue) => failureOf(issue, [key])));
    }
  }
  for (const key of Object.keys(declared)) {
    if (!(key in schema.shape)) failures.push({ property: key, reason: "is not a known input" });
  }
  return { inputs, failures };
}

function failuresOf(error: z.ZodError): Failure[] {
  return error.issues.map((issue) => failureOf(issue));
}

function failureOf(issue: z.core.$ZodIssue, prefix: PropertyKey[] = []): Failure {
  return { property: pathText([...prefix, ...issue.path]), reason: issue.message };
}

/** Whether the value of an issue is unknown, contains an unknown value, or is part of one. */
function touchesUnknown(value: Json | undefined, path: readonly PropertyKey[]): boolean {
  let current = value;
  for (const key of path) {
    if (current === unknown) return true;
    if (typeof current !== "object" || current === null) return false;
    current = (current as Properties)[String(key)];
  }
  return containsUnknown(current);
}
