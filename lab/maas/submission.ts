/** A file of a multipart body. */
export interface SubmittedFile {
  readonly filename: string;
  readonly content: Buffer;
}

/** The values sent under one name. */
export interface SubmittedValue {
  /**
   * The values of a form's repeated key, or the elements of a JSON array, in order. Without JSON they are
   * strings.
   */
  readonly all: readonly unknown[];
  /**
   * The value for a field with one value: the last of a repeated key; with JSON the value itself, also an
   * array.
   */
  readonly one: unknown;
}

/** The submitted data: a form's fields and files, or the members of a JSON object. */
export interface Submission {
  readonly values: ReadonlyMap<string, SubmittedValue>;
  readonly files: ReadonlyMap<string, SubmittedFile>;
}

export const nothingSubmitted: Submission = { values: new Map(), files: new Map() };

/** One value as text, e.g. `name` of `get_config`. Undefined if it was not sent. */
export function submittedText(submission: Submission | undefined, name: string): string | undefined {
  const value = submission?.values.get(name)?.one;
  return typeof value === "string" ? value : undefined;
}
