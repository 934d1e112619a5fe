import { type FieldErrors, invalid } from "./answers.ts";
import { nothingSubmitted, type Submission, type SubmittedFile, type SubmittedValue } from "./submission.ts";

/*
 * Forms like Django's: a table of fields, each of which converts the submitted value or reports an error. Checks that
 * concern several fields follow.
 */

/** The submitted value of one field. */
export interface FieldInput {
  /** Undefined if it was not sent. */
  readonly value: SubmittedValue | undefined;
  readonly file: SubmittedFile | undefined;
}

/** Converts a submitted value. Throws a `Wrong`. */
export type Field<Value> = (input: FieldInput) => Value;

type Fields = Readonly<Record<string, Field<unknown>>>;

/** The values of a table of fields. */
export type Cleaned<F extends Fields> = { -readonly [Name in keyof F]: ReturnType<F[Name]> };

/** The errors of a field, with the texts of MAAS's answer. */
export class Wrong extends Error {
  readonly messages: readonly string[];

  constructor(...messages: string[]) {
    super(messages.join(" "));
    this.messages = messages;
  }
}

/** The values and errors of a form, before the check whether it is valid. */
export class Form<F extends Fields> {
  /** The values of the fields without errors. */
  readonly cleaned: Partial<Cleaned<F>> = {};
  readonly #errors: Record<string, string[]> = {};
  readonly #submission: Submission;

  /**
   * @param stored for a PUT: the present values. Fields that were not sent keep them.
   */
  constructor(fields: F, submission: Submission | undefined, stored?: Cleaned<F>) {
    this.#submission = submission ?? nothingSubmitted;
    for (const [name, field] of Object.entries(fields)) {
      try {
        const value = stored !== undefined && !this.has(name) ? stored[name] : field(this.#input(name));
        (this.cleaned as Record<string, unknown>)[name] = value;
      } catch (error) {
        if (!(error instanceof Wrong)) throw error;
        this.wrong(name, ...error.messages);
      }
    }
  }

  /** Whether a field was sent, with any value. */
  has(name: string): boolean {
    return this.#submission.values.has(name) || this.#submission.files.has(name);
  }

  /** Adds an error. `__all__` is for errors that concern several fields. */
  wrong(name: string, ...messages: string[]): void {
    this.#errors[name] = [...(this.#errors[name] ?? []), ...messages];
    delete (this.cleaned as Record<string, unknown>)[name];
  }

  get errors(): FieldErrors {
    return this.#errors;
  }

  /** All values. Throws the 400 with all errors. */
  valid(): Cleaned<F> {
    if (Object.keys(this.#errors).length > 0) throw invalid(this.#errors);
    return this.cleaned as Cleaned<F>;
  }

  #input(name: string): FieldInput {
    return { value: this.#submission.values.get(name), file: this.#submission.files.get(name) };
  }
}

/**
 * A form of a request without files. For a content type that MAAS does not know, MAAS sees no data: the form is then
 * not valid, but has no errors.
 */
export function dataForm<F extends Fields>(
  fields: F,
  submission: Submission | undefined,
  stored?: Cleaned<F>,
): Form<F> {
  if (submission === undefined) throw invalid({});
  return new Form(fields, submission, stored);
}
