import { ExplainedError } from "../../errors/explained-error.ts";
import type { AnyDefinition, Json, Status } from "./definition.ts";

/**
 * Keys among a resource's properties that are not inputs. The engine does not display keys that start with two
 * underscores; the SDK reserves some of these names (__name, __version).
 */
export const hidden = {
  /** The engine's key for the provider code of the resource. */
  provider: "__provider",
  /** The name of the first declaration, which is used on the host and kept after a rename. */
  name: "__declaredAs",
  /** The URN for progress lines; follows renames and is never compared. */
  urn: "__shownAt",
  /** The version of the stored shape; 1 if there is none. */
  version: "__shape",
} as const;

/** The key of the observed status, beside the inputs. */
const statusKey = "status";

export type Properties = Record<string, Json>;

/** The declared inputs among stored properties. */
export function inputsOf(definition: AnyDefinition, properties: Properties): Properties {
  return pick(properties, (key) => key in definition.inputs.shape);
}

/** The outputs of apply among stored properties. */
export function outputsOf(definition: AnyDefinition, properties: Properties): Properties {
  return pick(
    properties,
    (key) => !(key in definition.inputs.shape) && key !== statusKey && !key.startsWith("__"),
  );
}

/**
 * The stored form of the status: the found problems, and the texts in order for the rest. Empty for a definition
 * without status.
 */
export function withStatus({ status }: AnyDefinition, found: Status = {}): Properties {
  return status ? { [statusKey]: { ...status, ...found } } : {};
}

/** The inputs and the status, which are compared and shown where they differ. */
export function comparedOf(definition: AnyDefinition, properties: Properties): Properties {
  const { [statusKey]: status } = properties;
  return {
    ...inputsOf(definition, properties),
    ...(definition.status && status !== undefined ? { [statusKey]: status } : {}),
  };
}

/** The hidden keys among stored properties. */
export function hiddenOf(properties: Properties): Properties {
  return pick(properties, (key) => key.startsWith("__") && key !== hidden.version);
}

function pick(properties: Properties, wanted: (key: string) => boolean): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => wanted(key)));
}

/**
 * Stored properties in the current shape. Older shapes are upgraded. Newer ones are refused, since a wrong guess could
 * undo changes of a newer release.
 */
export function upgraded(definition: AnyDefinition, stored: Properties): Properties {
  const written = Number(stored[hidden.version] ?? 1);
  if (written > definition.version) {
    throw new ExplainedError({
      step: `reading the state of a ${definition.kind} resource`,
      found: `the state was written by a newer release of this project (shape ${written}; this one supports ${definition.version})`,
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
 * The value in a form that the state can store. Throws for values that the engine would refuse or silently change
 * (undefined in lists, functions, dates, maps, buffers, big integers, NaN); keys with undefined are dropped.
 */
export function storable(value: unknown, path = "value"): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  // `map` would skip the gaps of a sparse list.
  if (Array.isArray(value)) return Array.from(value, (item, index) => storable(item, `${path}[${index}]`));
  if (typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => [key, storable(item, `${path}.${key}`)]),
    );
  }
  const what = typeof value === "object" ? (value?.constructor?.name ?? "object") : String(typeof value);
  throw new TypeError(`${path} is a ${what}, which the state cannot store`);
}

/** The values that the state can store. */
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

/** Whether two stored values are equal, regardless of the order of keys. */
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
