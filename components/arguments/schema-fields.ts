import type { z } from "zod";

/* What a schema says of the values that it takes, field by field. */

/** A field: what it takes, and what is said of it at any of its wrappings (optional, with a default, transformed). */
export interface Field {
  /** Without its wrappings. */
  readonly type: z.core.$ZodTypes;
  readonly meta: z.GlobalMeta;
  /** Whether it must be given. */
  readonly isRequired: boolean;
  /** What counts where it is not given, if the schema has that: `{}` of a group whose parts have defaults. */
  readonly default?: unknown;
}

/** The field that a schema describes, as its user writes it: of what is transformed, what goes in. */
export function fieldOf(schema: z.core.$ZodType): Field {
  const { def } = schema._zod as z.core.$ZodTypes["_zod"];
  const own = registered(schema);
  switch (def.type) {
    case "optional":
    case "nullable":
    case "readonly":
    case "default":
    case "prefault": {
      const inner = fieldOf(def.innerType);
      const meta = { ...inner.meta, ...own };
      if (def.type === "readonly") return { ...inner, meta };
      return {
        ...inner,
        meta,
        isRequired: false,
        ...("defaultValue" in def ? { default: def.defaultValue } : {}),
      };
    }
    case "pipe": {
      const inner = fieldOf(def.in);
      return { ...inner, meta: { ...inner.meta, ...own } };
    }
    default:
      return { type: schema as z.core.$ZodTypes, meta: own, isRequired: true };
  }
}

function registered(schema: z.core.$ZodType): z.GlobalMeta {
  return (schema as z.ZodType).meta() ?? {};
}

/** The fields of a group by name; undefined where it is none. */
export function partsOf({ type }: Field): Readonly<Record<string, z.core.$ZodType>> | undefined {
  const { def } = type._zod;
  return def.type === "object" ? def.shape : undefined;
}

/** What a value may be at a path: several fields where there are several forms, none where nothing is known there. */
export function fieldsAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): Field[] {
  const field = fieldOf(schema);
  const [key, ...below] = path;
  const { def } = field.type._zod;
  if (def.type === "union") {
    const forms = def.options.flatMap((option) => fieldsAt(option, path));
    return key === undefined ? [field, ...forms] : forms;
  }
  if (key === undefined) return [field];
  switch (def.type) {
    case "object":
      return Object.hasOwn(def.shape, key) ? fieldsAt(def.shape[String(key)] as z.core.$ZodType, below) : [];
    case "record":
      return fieldsAt(def.valueType, below);
    case "array":
      return fieldsAt(def.element, below);
    default:
      return [];
  }
}

/** The fields directly in one, each by what stands for its place there: a name, `NAME` of a map, `[]` of a list. */
export function fieldsIn(field: Field): [string, z.core.$ZodType][] {
  const { def } = field.type._zod;
  switch (def.type) {
    case "object":
      return Object.entries(def.shape);
    case "record":
      return [["NAME", def.valueType]];
    case "array":
      return [["[]", def.element]];
    case "union":
      return def.options.flatMap((option) => fieldsIn(fieldOf(option)));
    default:
      return [];
  }
}
