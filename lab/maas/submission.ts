/** A file of a multipart body. */
export interface SubmittedFile {
  readonly filename: string;
  readonly content: Buffer;
}

/** What was sent under one name. */
export interface SubmittedValue {
  /** A form's repeated key, or the elements of a JSON array, in order; strings unless it was JSON. */
  readonly all: readonly unknown[];
  /** What a field of one value takes: the last of a repeated key; of JSON, the value itself, an array too. */
  readonly one: unknown;
}

/** What a request sent: a form's fields and files, or the members of a JSON object. */
export interface Submission {
  readonly values: ReadonlyMap<string, SubmittedValue>;
  readonly files: ReadonlyMap<string, SubmittedFile>;
}

export const nothingSubmitted: Submission = { values: new Map(), files: new Map() };

/** One value as text, e.g. `name` of `get_config`; undefined where it was not sent. */
export function submittedText(submission: Submission | undefined, name: string): string | undefined {
  const value = submission?.values.get(name)?.one;
  return typeof value === "string" ? value : undefined;
}
