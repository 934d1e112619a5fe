import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { pathText } from "../../errors/wrong-input.ts";
import { stoodInSecret } from "../../values/schema-marks.ts";
import {
  derived,
  isLate,
  type Late,
  type LatePart,
  latePartsOf,
  outputOf,
  unknownAmong,
  withParts,
} from "./late-values.ts";
import { type Field, fieldOf, fieldsAt, fieldsIn, partsOf } from "./schema-fields.ts";

/*
 * How a component checks its arguments. Plain values are checked immediately, all of them together. An argument that is an
 * output of another resource comes late: it is checked when it is known, and everything that is derived from it waits.
 */

/** An error of an argument. The message is the end of a sentence that begins with the path. */
export interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Arguments of a component. They are checked already, or will be when they are known. */
export interface CheckedArguments<Settings extends object> {
  /** With defaults. A secret that comes late is replaced by a placeholder: see `secret` and `inClear`. */
  readonly settings: Late<Settings>;
  /** The same by argument. If one argument comes late, all do. */
  readonly each: { readonly [Argument in keyof Settings]: Late<Settings[Argument]> };
  /**
   * Each argument as its own schema reads it. It does not wait for other arguments, so a preview knows it even if it does not
   * know others. Only for arguments that the whole schema does not change.
   */
  readonly own: { readonly [Argument in keyof Settings]: Late<Settings[Argument]> };
  /** An argument that its schema marks as `plain`. It is available even if others come late. */
  plain<Argument extends keyof Settings & string>(argument: Argument): Settings[Argument];
  /** The secret at a path such as `serve.tls.key`, as a secret output; undefined if it is not declared. */
  secret(path: string): pulumi.Output<string> | undefined;
  /** The settings with the secrets of these arguments in clear. The output is not marked as secret because of them. */
  inClear(...withSecrets: (keyof Settings & string)[]): pulumi.Output<Settings>;
  /** Paths of the arguments that are not known in this preview. Secrets are included only for these arguments. */
  notYetKnown(...withSecrets: string[]): Promise<string[]>;
}

/**
 * Checks the arguments of a component by their schema.
 *
 * @param called the component in messages: `AptMirror ubuntu`.
 * @param beside Further errors, which the schema does not detect.
 * @throws pulumi.RunError that lists all errors of plain values. An error of a late value fails the outputs that are derived
 * from it, with the same message.
 */
export function checkedArguments<Schema extends z.ZodType<object>>(
  component: pulumi.ComponentResource,
  called: string,
  args: object,
  schema: Schema,
  beside: readonly Fault[] = [],
): CheckedArguments<z.output<Schema>> {
  type Settings = z.output<Schema>;
  const late = latePartsOf(args);
  const faults = [...faultsOf(schema, args), ...beside];
  if (faults.length > 0) throw new pulumi.RunError(saidOf(called, faults));
  const isSecret = ({ path }: LatePart) => fieldsAt(schema, path).some(({ meta }) => meta.secret);
  const open = late.filter((part) => !isSecret(part));
  const withStandIns = withParts(
    args,
    late.filter(isSecret).map(({ path }) => ({ path, value: stoodInSecret })),
  );

  // The same error for all values that fail because of it: the CLI then prints it only once.
  const refusals = new Map<string, pulumi.ResourceError>();
  const refusal = (found: readonly Fault[]) => {
    const error = lateRefusal(component, called, found);
    return refusals.get(error.message) ?? refusals.set(error.message, error).get(error.message);
  };

  /** A value by its schema, once its late parts are known. */
  const checked = <Value>(of: z.ZodType<Value>, value: unknown, parts: readonly LatePart[], at: string[]) =>
    outputOf<unknown[]>(pulumi.all(parts.map((part) => part.value)) as pulumi.Output<unknown[]>).apply(
      (known) => {
        const given = parts.map(({ path }, index) => ({ path, value: known[index] }));
        const result = of.safeParse(withParts(value, given));
        if (result.success) return result.data;
        const found = result.error.issues.map(({ path, message }) => ({ path: [...at, ...path], message }));
        throw refusal(found);
      },
    ) as pulumi.Output<Value>;

  const settings = (
    open.length === 0 ? schema.parse(withStandIns) : checked(schema, withStandIns, open, [])
  ) as Late<Settings>;
  const fields = (partsOf(fieldOf(schema)) ?? {}) as Readonly<Record<string, z.ZodType>>;
  const givenAs = (argument: string) => [fields[argument] as z.ZodType, valueAt(args, argument)] as const;
  const partsIn = (argument: string, parts: readonly LatePart[]) =>
    parts.flatMap(({ path: [first, ...path], value }) => (first === argument ? [{ path, value }] : []));
  const known = (argument: string) =>
    pulumi.unsecret(checked(...givenAs(argument), partsIn(argument, late), [argument]));
  const ownValue = (argument: string) => {
    if (!pulumi.Output.isInstance(settings)) return settings[argument as keyof Settings];
    const field = fields[argument] as z.ZodType;
    const value = valueAt(withStandIns, argument);
    const parts = partsIn(argument, open);
    return parts.length === 0 ? field.parse(value) : checked(field, value, parts, [argument]);
  };
  return {
    settings,
    each: Object.fromEntries(
      Object.keys(fields).map((argument) => [
        argument,
        derived(settings, (all) => all[argument as keyof Settings]),
      ]),
    ) as CheckedArguments<Settings>["each"],
    own: Object.fromEntries(
      Object.keys(fields).map((argument) => [argument, ownValue(argument)]),
    ) as CheckedArguments<Settings>["own"],
    plain(argument) {
      const [field, value] = givenAs(argument);
      return field.parse(plainly(value)) as Settings[typeof argument];
    },
    secret(path) {
      const value = path.split(".").reduce<unknown>(valueAt, args);
      return value === undefined ? undefined : pulumi.secret(value as pulumi.Input<string>);
    },
    inClear(...withSecrets) {
      const clear = pulumi.all(Object.fromEntries(withSecrets.map((name) => [name, known(name)])));
      return outputOf(
        derived(settings, (open) => clear.apply((secrets) => ({ ...open, ...secrets }))),
      ) as unknown as pulumi.Output<Settings>;
    },
    async notYetKnown(...withSecrets) {
      const counted = late.filter((part) => !isSecret(part) || withSecrets.includes(String(part.path[0])));
      return (await unknownAmong(counted)).map(({ path }) => pathText(path));
    },
  };
}

function valueAt(value: unknown, key: string): unknown {
  return (value as Readonly<Record<string, unknown>> | undefined)?.[key];
}

/** A value that is not an output. `checkedArguments` refuses outputs where the schema requires plain values. */
export function plainly<Value>(value: pulumi.Input<Value>): Value {
  if (isLate(value)) {
    throw new TypeError("an argument that must be plain is not marked as plain in its schema");
  }
  return value as Value;
}

/** Errors in the plain parts of a value, and outputs where the schema requires plain values. */
export function faultsOf(schema: z.core.$ZodType, value: unknown, at: readonly PropertyKey[] = []): Fault[] {
  const late = latePartsOf(value);
  const secret = (part: LatePart) => fieldsAt(schema, part.path).some(({ meta }) => meta.secret);
  // No schema accepts a symbol. Errors that it causes are removed: they cannot be known yet.
  const given = withParts(
    value,
    late.map((part) => ({ path: part.path, value: secret(part) ? stoodInSecret : Symbol("late") })),
  );
  const issues = ((schema as z.ZodType).safeParse(given).error?.issues ?? []).filter(
    ({ code, path }) => code === "unrecognized_keys" || !touchesLate(given, path),
  );
  return [...late.flatMap((part) => misplaced(schema, part)), ...issues].map(({ path, message }) => ({
    path: [...at, ...path],
    message,
  }));
}

/** Whether the value of an issue is late or contains a late value. */
function touchesLate(value: unknown, path: readonly PropertyKey[]): boolean {
  const [key, ...below] = path;
  if (typeof value === "symbol") return true;
  if (typeof value !== "object" || value === null || pulumi.Resource.isInstance(value)) return false;
  return key === undefined
    ? Object.values(value).some((item) => touchesLate(item, []))
    : touchesLate((value as Record<PropertyKey, unknown>)[key], below);
}

/** The error of an output where the schema requires a plain value. */
function misplaced(schema: z.core.$ZodType, { path }: LatePart): Fault[] {
  const reason = fieldsAt(schema, path).map(reasonToBePlain).find(Boolean);
  return reason ? [{ path, message: `must be a plain value, not an output: ${reason}` }] : [];
}

function reasonToBePlain(field: Field): string | undefined {
  if (field.meta.plain) return field.meta.plain;
  if (field.meta.secret) return undefined;
  const parts = fieldsIn(field).map(([, schema]) => fieldOf(schema));
  if (parts.some(({ meta }) => meta.secret)) {
    return "it can contain a secret, which is stored separately. Give the values in it as outputs";
  }
  return parts.map(reasonToBePlain).find(Boolean);
}

/** The error of arguments that become known during the update. */
export function lateRefusal(
  component: pulumi.ComponentResource,
  called: string,
  faults: readonly Fault[],
): pulumi.ResourceError {
  return withPlainMessage(new pulumi.ResourceError(saidOf(called, faults), component, true));
}

function saidOf(called: string, faults: readonly Fault[]): string {
  const lines = faults.map(
    ({ path, message }) => `  ${path.length > 0 ? `${pathText(path)}: ` : ""}${message}`,
  );
  return `${called} has invalid arguments:\n${lines.join("\n")}`;
}

/** Keeps the message of an error. The SDK writes the name of every property that waits for the failed value before it. */
export function withPlainMessage(error: pulumi.ResourceError): pulumi.ResourceError {
  const { message } = error;
  return Object.defineProperty(error, "message", { get: () => message, set: () => {} });
}
