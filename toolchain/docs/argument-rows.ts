import { z } from "zod";
import { type Field, fieldOf, fieldsIn } from "../../components/arguments/schema-fields.ts";

/* A schema as rows of a table: one for each argument, those within groups and lists too. */

export interface ArgumentRow {
  /** `serve.port`; `images[].os` in a list, `others.NAME.url` in a map. */
  readonly path: string;
  readonly type: string;
  readonly default: string;
  readonly isSecret: boolean;
  readonly description: string;
  /** Why it cannot be an output of another resource in a program. */
  readonly plain: string | undefined;
  readonly examples: readonly unknown[];
  /** Where the documents say more, below docs/. */
  readonly see: string | undefined;
}

/** @throws TypeError where something has no description */
export function argumentRows(schema: z.core.$ZodType): ArgumentRow[] {
  return rowsIn(fieldOf(schema), "");
}

function rowsIn(field: Field, parent: string): ArgumentRow[] {
  return fieldsIn(field).flatMap(([name, schema]) => {
    const inner = fieldOf(schema);
    const path = name === "[]" || parent === "" ? `${parent}${name}` : `${parent}.${name}`;
    // An item has what is said of the list that it is in.
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
      throw new TypeError(`there is no word for a schema of ${def.type}: give it a typeText`);
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
  // Its parts say theirs.
  if (type._zod.def.type === "object") return "";
  return `\`${inYaml(value)}\``;
}

/** A value as one writes it in a stack's file. */
export function inYaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inYaml).join(", ")}]`;
  const isBare = typeof value === "string" && /^[A-Za-z0-9/][^\s:#,[\]{}]*(:\/\/\S+)?$/.test(value);
  return isBare ? value : JSON.stringify(value);
}
