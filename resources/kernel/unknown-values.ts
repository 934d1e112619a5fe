import type { Json } from "./definition.ts";

/**
 * The engine's marker for a value that is not known yet during a preview (rpc.unknownValue of the SDK, the same in
 * every release).
 */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

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
