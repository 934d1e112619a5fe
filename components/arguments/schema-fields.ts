import type { z } from "zod";

/* The fields of a schema, as its user writes them. */

/** A field: its type, and the metadata of all its wrappers (optional, default, transformation). */
export interface Field {
  /** The schema without wrappers. */
  readonly type: z.core.$ZodTypes;
  readonly meta: z.GlobalMeta;
  /** Whether the user must give it. */
  readonly isRequired: boolean;
  /** The default, if the schema has one: `{}` for a group whose parts have defaults. */
  readonly default?: unknown;
}

/** The field that a schema describes. For a transformation, it is the input. */
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

/** The fields of a group by name; undefined if the field is not a group. */
export function partsOf({ type }: Field): Readonly<Record<string, z.core.$ZodType>> | undefined {
  const { def } = type._zod;
  return def.type === "object" ? def.shape : undefined;
}

/** The fields at a path: several if the schema has alternatives, none if the path is unknown. */
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

/** The fields directly in a field, with their names. The name of an entry of a map is `NAME`, that of a list `[]`. */
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
