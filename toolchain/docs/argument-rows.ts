import { z } from "zod";
import { type Field, fieldOf, fieldsIn } from "../../components/arguments/schema-fields.ts";

/* A schema as rows of a table: one row for each argument, also inside groups and lists. */

export interface ArgumentRow {
  /** `serve.port`; `images[].os` in a list, `others.NAME.url` in a map. */
  readonly path: string;
  readonly type: string;
  readonly default: string;
  readonly isSecret: boolean;
  readonly description: string;
  /** The reason why it cannot be an output of another resource. */
  readonly plain: string | undefined;
  readonly examples: readonly unknown[];
  /** The document with more information, below docs/. */
  readonly see: string | undefined;
}

/** @throws TypeError if an argument has no description */
export function argumentRows(schema: z.core.$ZodType): ArgumentRow[] {
  return rowsIn(fieldOf(schema), "");
}

function rowsIn(field: Field, parent: string): ArgumentRow[] {
  return fieldsIn(field).flatMap(([name, schema]) => {
    const inner = fieldOf(schema);
    const path = name === "[]" || parent === "" ? `${parent}${name}` : `${parent}.${name}`;
    // An item uses the description of its list.
    return name === "[]" || name === "NAME"
      ? rowsIn(inner, path)
      : [rowOf(inner, path), ...rowsIn(inner, path)];
  });
}

function rowOf(field: Field, path: string): ArgumentRow {
  const { description, secret, plain, examples, see } = field.meta;
  if (!description) throw new TypeError(`${path} has no description in its schema`);
  return {
    path,
    type: typeOf(field),
    default: defaultOf(field),
    isSecret: secret === true,
    description,
    plain,
    examples: (examples as unknown[] | undefined) ?? [],
    see,
  };
}

function typeOf(field: Field): string {
  const { type, meta } = field;
  if (meta.typeText) return meta.typeText;
  const { def } = type._zod;
  switch (def.type) {
    case "string":
      return "string";
    case "boolean":
      return "boolean";
    case "number":
      return numberType(type);
    case "enum":
      return choice(Object.values(def.entries));
    case "literal":
      return choice(def.values);
    case "array":
      return `list of ${plural(typeOf(fieldOf(def.element)))}`;
    case "record":
      return `${plural(typeOf(fieldOf(def.valueType)))} by name`;
    case "object":
      return "group";
    case "union": {
      const forms = [...new Set(def.options.map((option) => typeOf(fieldOf(option))))];
      return forms.join(" or ");
    }
    default:
      throw new TypeError(`a schema of the type ${def.type} has no text: add a typeText`);
  }
}

function choice(values: readonly unknown[]): string {
  return values.map((value) => `\`${value}\``).join(" or ");
}

function plural(type: string): string {
  if (/^\d/.test(type)) return `numbers, ${type}`;
  const [, one] = /^(?:an? )?(\w+)$/.exec(type) ?? [];
  return one ? `${one}s` : type;
}

function numberType(type: z.core.$ZodType): string {
  const {
    minimum,
    maximum = Number.MAX_SAFE_INTEGER,
    type: kind,
  } = z.toJSONSchema(type) as {
    readonly minimum?: number;
    readonly maximum?: number;
    readonly type: string;
  };
  if (minimum === undefined || minimum < Number.MIN_SAFE_INTEGER + 1) return kind;
  return maximum < Number.MAX_SAFE_INTEGER ? `${minimum} to ${maximum}` : `${kind}, ${minimum} or more`;
}

function defaultOf({ type, meta, isRequired, default: value }: Field): string {
  if (meta.defaultText) return meta.defaultText;
  if (isRequired) return "required";
  if (value === undefined) return "not set";
  // The parts of a group have separate rows with their defaults.
  if (type._zod.def.type === "object") return "";
  return `\`${inYaml(value)}\``;
}

/** A value in the notation of a stack file. */
export function inYaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inYaml).join(", ")}]`;
  const isBare = typeof value === "string" && /^[A-Za-z0-9/][^\s:#,[\]{}]*(:\/\/\S+)?$/.test(value);
  return isBare ? value : JSON.stringify(value);
}
