import { ExplainedError } from "../../errors/explained-error.ts";
import type { AnyDefinition, Json, Status } from "./definition.ts";

/**
 * The keys that travel with a resource's properties without being its inputs. The engine does not
 * display keys that start with two underscores; the SDK keeps some such names for itself (__name, __version).
 */
export const hidden = {
  /** The engine's own: which code serves the resource. */
  provider: "__provider",
  /** The name the resource was first declared under; it names what is on the host, so a rename keeps it. */
  name: "__declaredAs",
  /** Where the engine shows progress; follows renames and is never compared. */
  urn: "__shownAt",
  /** The version of the stored shape. */
  version: "__shape",
} as const;

/** Under which key the observed status is stored, beside the inputs. */
const statusKey = "status";

export type Properties = Record<string, Json>;

/** The declared inputs among stored properties. */
export function inputsOf(definition: AnyDefinition, properties: Properties): Properties {
  return pick(properties, (key) => key in definition.inputs.shape);
}

/** What apply returned, among stored properties. */
export function outputsOf(definition: AnyDefinition, properties: Properties): Properties {
  return pick(
    properties,
    (key) => !(key in definition.inputs.shape) && key !== statusKey && !key.startsWith("__"),
  );
}

/** The status as it is stored: what was found, and what is in order for the rest. Empty for a definition without one. */
export function withStatus({ status }: AnyDefinition, found: Status = {}): Properties {
  return status ? { [statusKey]: { ...status, ...found } } : {};
}

/** The inputs and the status: what is compared, and shown where it differs. */
export function comparedOf(definition: AnyDefinition, properties: Properties): Properties {
  const { [statusKey]: status } = properties;
  return {
    ...inputsOf(definition, properties),
    ...(definition.status && status !== undefined ? { [statusKey]: status } : {}),
  };
}

/** The keys that are not shown, among stored properties. */
export function hiddenOf(properties: Properties): Properties {
  return pick(properties, (key) => key.startsWith("__") && key !== hidden.version);
}

function pick(properties: Properties, wanted: (key: string) => boolean): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => wanted(key)));
}

/**
 * Stored properties in today's shape. State outlives releases: older shapes are upgraded, newer
 * ones are refused, since guessing at them could undo what a newer release did.
 */
export function upgraded(definition: AnyDefinition, stored: Properties): Properties {
  const written = Number(stored[hidden.version] ?? 1);
  if (written > definition.version) {
    throw new ExplainedError({
      step: `reading the state of a ${definition.kind} resource`,
      found: `the state was written by a newer release of this project (shape ${written}; this one knows ${definition.version})`,
      remedy: "Use the release that last updated this stack, or a newer one.",
    });
  }
  let properties = stored;
  for (let version = written; version < definition.version; version++) {
    const upgrade = definition.upgrades?.[version];
    if (!upgrade) {
      throw new ExplainedError({
        step: `reading the state of a ${definition.kind} resource`,
        found: `its shape ${version} can no longer be read`,
        remedy: "Update the stack with an intermediate release first (see CHANGELOG.md).",
      });
    }
    properties = { ...upgrade(properties), [hidden.version]: version + 1 };
  }
  return properties;
}

/**
 * The value as the state can hold it. Fails on what the engine would refuse or silently change (undefined in
 * lists, functions, dates, maps, buffers, big integers, NaN) before it is sent; keys with undefined are dropped.
 */
export function storable(value: unknown, path = "value"): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  // Of a list with a gap, `map` would leave the gap.
  if (Array.isArray(value)) return Array.from(value, (item, index) => storable(item, `${path}[${index}]`));
  if (typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => [key, storable(item, `${path}.${key}`)]),
    );
  }
  const what = typeof value === "object" ? (value?.constructor?.name ?? "object") : String(typeof value);
  throw new TypeError(`${path} is a ${what}, which the state cannot hold`);
}

/** Those of the values that the state can hold. */
export function storablePart(values: object): Properties {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]): [string, Json][] => {
      try {
        return value === undefined ? [] : [[key, storable(value)]];
      } catch {
        return [];
      }
    }),
  );
}

/** Whether two stored values are the same, whatever the order of their keys. */
export function same(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const a = one as Properties;
  const b = other as Properties;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]))
  );
}
