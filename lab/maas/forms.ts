import { type FieldErrors, invalid } from "./answers.ts";
import { nothingSubmitted, type Submission, type SubmittedFile, type SubmittedValue } from "./submission.ts";

/*
 * Forms as Django has them: a table of fields, each making a value of what was submitted or saying what is wrong with
 * it; then what holds between fields.
 */

/** What was submitted for one field. */
export interface FieldInput {
  /** Undefined where it was not sent. */
  readonly value: SubmittedValue | undefined;
  readonly file: SubmittedFile | undefined;
}

/** Makes a value of what was submitted. Throws a `Wrong`. */
export type Field<Value> = (input: FieldInput) => Value;

type Fields = Readonly<Record<string, Field<unknown>>>;

/** The values of a table of fields. */
export type Cleaned<F extends Fields> = { -readonly [Name in keyof F]: ReturnType<F[Name]> };

/** What is wrong with a field, in the words of its answer. */
export class Wrong extends Error {
  readonly messages: readonly string[];

  constructor(...messages: string[]) {
    super(messages.join(" "));
    this.messages = messages;
  }
}

/** A form's outcome, before it is decided whether it is valid. */
export class Form<F extends Fields> {
  /** The fields without fault. */
  readonly cleaned: Partial<Cleaned<F>> = {};
  readonly #errors: Record<string, string[]> = {};
  readonly #submission: Submission;

  /**
   * @param stored of a PUT: the values that fields which were not sent keep
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

  /** Whether a field was sent, with whatever value. */
  has(name: string): boolean {
    return this.#submission.values.has(name) || this.#submission.files.has(name);
  }

  /** Adds to what is wrong; `__all__` is what is wrong between fields. */
  wrong(name: string, ...messages: string[]): void {
    this.#errors[name] = [...(this.#errors[name] ?? []), ...messages];
    delete (this.cleaned as Record<string, unknown>)[name];
  }

  get errors(): FieldErrors {
    return this.#errors;
  }

  /** All values. Throws the 400 with everything that is wrong. */
  valid(): Cleaned<F> {
    if (Object.keys(this.#errors).length > 0) throw invalid(this.#errors);
    return this.cleaned as Cleaned<F>;
  }

  #input(name: string): FieldInput {
    return { value: this.#submission.values.get(name), file: this.#submission.files.get(name) };
  }
}

/**
 * A form of a request that carries no files: of a content type that MAAS does not know it sees no data at all, and
 * is then neither valid nor wrong anywhere.
 */
export function dataForm<F extends Fields>(
  fields: F,
  submission: Submission | undefined,
  stored?: Cleaned<F>,
): Form<F> {
  if (submission === undefined) throw invalid({});
  return new Form(fields, submission, stored);
}
