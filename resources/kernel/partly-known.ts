import { z } from "zod";
import type { Json } from "./definition.ts";
import { type Properties, same } from "./stored-properties.ts";
import { containsUnknown, unknown } from "./unknown-values.ts";

type Schema = z.core.$ZodType;
type Issue = z.core.$ZodIssue;

interface Parsed {
  readonly data: unknown;
  readonly issues: readonly Issue[];
}

/** Checks a value that may have unknown parts: the other parts get their defaults, and only these can be wrong. */
export function parsePartly(schema: Schema, value: Json | undefined): Parsed {
  if (value === unknown) return { data: unknown, issues: [] };
  if (value === undefined || !containsUnknown(value)) return parsedAsIs(schema, value);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "optional":
    case "nonoptional":
    case "nullable":
    case "readonly":
    case "default":
    case "prefault":
      return withRules(schema, parsePartly(def.innerType, value));
    case "pipe":
      // What follows would change the value as a whole, which is not known yet.
      return def.in._zod.def.type === "transform" ? unchanged(schema, value) : parsePartly(def.in, value);
    case "object":
      return isGroup(value) ? withRules(schema, parsedObject(def, value)) : unchanged(schema, value);
    case "record":
      return isGroup(value) ? withRules(schema, parsedRecord(def, value)) : unchanged(schema, value);
    case "array": {
      if (!Array.isArray(value)) return unchanged(schema, value);
      const items = value.map((item, index) => under(index, parsePartly(def.element, item)));
      const issues = items.flatMap((item) => item.issues);
      return withRules(schema, { data: items.map(({ data }) => data), issues });
    }
    case "union":
      return withRules(schema, parsedUnion(schema, def, value));
    default:
      return unchanged(schema, value);
  }
}

function parsedAsIs(schema: Schema, value: unknown): Parsed {
  const { data, error } = (schema as z.ZodType).safeParse(value);
  return { data, issues: error?.issues ?? [] };
}

/** The value without defaults, with the errors that do not depend on its unknown parts. */
function unchanged(schema: Schema, value: Json): Parsed {
  const { issues } = parsedAsIs(schema, value);
  return { data: value, issues: issues.filter((issue) => isCertain(value, issue)) };
}

function parsedObject({ shape, catchall }: z.core.$ZodObjectDef, value: Properties): Parsed {
  const others = catchall ? Object.keys(value).filter((key) => !Object.hasOwn(shape, key)) : [];
  const isStrict = catchall?._zod.def.type === "never";
  const parts = [...Object.keys(shape), ...(isStrict ? [] : others)].map((key) => ({
    key,
    ...under(key, parsePartly((shape[key] ?? catchall) as Schema, value[key])),
  }));
  const names = z.strictObject(
    Object.fromEntries(Object.keys(shape).map((key) => [key, z.any().optional()])),
  );
  return {
    data: Object.fromEntries(parts.flatMap(({ key, data }) => (data === undefined ? [] : [[key, data]]))),
    issues: [...parts.flatMap(({ issues }) => issues), ...(isStrict ? parsedAsIs(names, value).issues : [])],
  };
}

function parsedRecord({ keyType, valueType }: z.core.$ZodRecordDef, value: Properties): Parsed {
  const names = parsedAsIs(z.record(keyType, z.any()), value);
  const entries = Object.entries((names.data ?? value) as Properties);
  const parts = entries.map(([key, item]) => ({ key, ...under(key, parsePartly(valueType, item)) }));
  return {
    data: Object.fromEntries(parts.map(({ key, data }) => [key, data])),
    issues: [...names.issues, ...parts.flatMap(({ issues }) => issues)],
  };
}

function parsedUnion(schema: Schema, { options }: z.core.$ZodUnionDef, value: Json): Parsed {
  const [fitting, ...others] = options
    .map((option) => parsePartly(option, value))
    .filter(({ issues }) => issues.length === 0);
  if (!fitting) {
    const issues = parsedAsIs(schema, value).issues.filter((issue) => issue.path.length === 0);
    return {
      data: value,
      issues: issues.length > 0 ? issues : parsePartly(options[0] as Schema, value).issues,
    };
  }
  // The unknown part may decide which form it is, and so which defaults it gets.
  return others.every(({ data }) => same(data as Json, fitting.data as Json))
    ? fitting
    : { data: value, issues: [] };
}

function under(key: PropertyKey, { data, issues }: Parsed): Parsed {
  return { data, issues: issues.map((issue) => ({ ...issue, path: [key, ...issue.path] })) };
}

/** Applies the rules of a schema (`refine`, `min` ...) to the value, except those that read an unknown part. */
function withRules(schema: Schema, { data, issues }: Parsed): Parsed {
  if (issues.length > 0) return { data, issues };
  const broken = (schema._zod.def.checks ?? []).flatMap((rule) => {
    let guesses = false;
    const seen = watched(data, () => {
      guesses = true;
    });
    try {
      const found = parsedAsIs(z.any().check(rule as z.core.$ZodCheck<unknown>), seen).issues;
      return guesses ? [] : found;
    } catch (error) {
      // A rule may fail in any way on the engine's marker.
      if (guesses) return [];
      throw error;
    }
  });
  return { data, issues: broken };
}

/** The value, with a call for each unknown part that is read from it. */
function watched<T>(value: T, onUnknown: () => void): T {
  if (typeof value !== "object" || value === null || !containsUnknown(value as Json)) return value;
  return new Proxy(value, {
    get(target, key) {
      const item: unknown = Reflect.get(target, key);
      if (item === unknown) onUnknown();
      return typeof key === "string" ? watched(item, onUnknown) : item;
    },
  });
}

/** Whether an error does not depend on unknown parts: its value is known, or has the wrong shape. */
function isCertain(value: Json, { path, code }: Issue): boolean {
  let current: Json | undefined = value;
  for (const key of path) {
    if (current === unknown) return false;
    if (typeof current !== "object" || current === null) return true;
    current = (current as Properties)[String(key)];
  }
  if (current === unknown) return false;
  return (
    !containsUnknown(current) || ["unrecognized_keys", "invalid_type", "invalid_value"].includes(code ?? "")
  );
}

function isGroup(value: Json | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
