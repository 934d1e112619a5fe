import { type Field, type FieldInput, Wrong } from "./forms.ts";
import { pythonText } from "./python.ts";
import type { SubmittedFile } from "./submission.ts";
import { djangoUrl } from "./url.ts";

/** The values that Django regards as empty. */
function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === "" ||
    (Array.isArray(value) && value.length === 0) ||
    (typeof value === "object" && Object.keys(value).length === 0)
  );
}

interface TextOptions {
  /** Default: true, as in Django. */
  readonly required?: boolean;
  readonly maxLength?: number;
}

/**
 * `CharField`: stripped text. JSON values of other types are converted as in Python. The empty value is "".
 */
export function text(options: TextOptions = {}): Field<string> {
  return (input) => lengthChecked(presentText(input, options), options);
}

/** `URLField`: the address, with `http://` added if it has no scheme. At most 200 characters. */
export function url(options: TextOptions = {}): Field<string> {
  return (input) => {
    const given = presentText(input, options);
    return given === "" ? given : djangoUrl(given, options.maxLength ?? 200);
  };
}

/**
 * `BooleanField` with its checkbox. "true" and "false" are accepted in any case. Any other text is true, also "0",
 * "no" and "off". If the field is not sent, it has its default.
 */
export function checkbox(byDefault = false): Field<boolean> {
  return ({ value }) => (value === undefined ? byDefault : checked(value.one));
}

/** The boolean that Django's checkbox reads from a value. */
function checked(value: unknown): boolean {
  if (typeof value === "string") return value.toLowerCase() !== "false" && value !== "";
  return Boolean(value) && !isEmpty(value);
}

/** `IntegerField`. The empty value is undefined. */
export function integer(
  options: { readonly required?: boolean; readonly min?: number } = {},
): Field<number | undefined> {
  return (input) => {
    const given = presentText(input, options);
    if (given === "") return undefined;
    if (!/^[+-]?\d+(\.0*)?$/.test(given)) throw new Wrong("Enter a whole number.");
    const number = Number(given);
    if (options.min !== undefined && number < options.min) {
      throw new Wrong(`Ensure this value is greater than or equal to ${options.min}.`);
    }
    return number;
  };
}

/** `ChoiceField`: one of these values. `refused` returns the error message for any other value. */
export function choice(
  choices: readonly string[],
  refused: (value: string) => string,
  options: { readonly required?: boolean } = {},
): Field<string> {
  return (input) => {
    const given = presentText(input, options);
    if (given !== "" && !choices.includes(given)) throw new Wrong(refused(given));
    return given;
  };
}

/**
 * All values sent under a name, as texts, for a field with several values. If not sent, it is an empty list.
 */
export function texts(): Field<string[]> {
  return ({ value }) => (value?.all ?? []).map(pythonText);
}

/** `FileField`: a file part of a multipart body. Any other value is ignored. */
export function file(options: { readonly required?: boolean } = {}): Field<SubmittedFile | undefined> {
  return ({ file: given }) => {
    if (given === undefined) {
      if (options.required ?? true) throw new Wrong("This field is required.");
      return undefined;
    }
    if (given.content.length === 0) throw new Wrong("The submitted file is empty.");
    return given;
  };
}

function presentText({ value }: FieldInput, { required = true }: { readonly required?: boolean }): string {
  const given = isEmpty(value?.one) ? "" : pythonText(value?.one).trim();
  if (given === "" && required) throw new Wrong("This field is required.");
  return given;
}

function lengthChecked(value: string, { maxLength }: TextOptions): string {
  if (maxLength !== undefined && value.length > maxLength) throw new Wrong(tooLong(value, maxLength));
  return value;
}

/** The error message for a text that is too long. */
function tooLong(value: string, maxLength: number): string {
  return `Ensure this value has at most ${maxLength} characters (it has ${value.length}).`;
}
