import { pythonJson } from "./python.ts";

/** The answer to a request. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The errors of each field. `__all__` has the errors that concern several fields. */
export type FieldErrors = Readonly<Record<string, readonly string[]>>;

/**
 * An answer that is thrown in a handler. MAAS converts an exception to an answer either where it calls its handlers
 * or in a middleware around all code. Only the former sends `Vary: Authorization`.
 */
export class Refusal extends Error {
  readonly answer: Answer;
  readonly caught: "by the resource" | "by the middleware";

  constructor(answer: Answer, caught: Refusal["caught"] = "by the middleware") {
    super(`${answer.status} ${answer.body}`);
    this.answer = answer;
    this.caught = caught;
  }
}

/** A JSON document, indented by four. */
export function json(value: unknown, status = 200): Answer {
  return answer(status, "application/json; charset=utf-8", JSON.stringify(value, undefined, 4));
}

/** JSON on one line. MAAS writes it where it does not use its emitter: `version/`. */
export function jsonLine(value: unknown): Answer {
  return answer(200, "application/json; charset=utf-8", pythonJson(value));
}

export function text(body: string, status = 200): Answer {
  return answer(status, "text/plain; charset=utf-8", body);
}

/** The answer to every DELETE. */
export const deleted = answer(204, "text/plain", "");

/** 404 for an object that does not exist, e.g. `No BootSource matches the given query.` */
export function notFound(model: string): Refusal {
  return new Refusal(answer(404, "text/plain", `No ${model} matches the given query.`), "by the resource");
}

/** 400 with the errors of each field of a form. */
export function invalid(errors: FieldErrors): Refusal {
  return new Refusal(answer(400, "application/json; charset=utf-8", pythonJson(errors)));
}

/** 400 with the errors of a model instead of a form: the same body, without a charset. */
export function modelInvalid(errors: FieldErrors): Refusal {
  return new Refusal(answer(400, "application/json", pythonJson(errors)));
}

/** 400 with one sentence. */
export function badRequest(message: string): Refusal {
  return new Refusal(text(message, 400));
}

/** 403 with one sentence. */
export function forbidden(message: string): Refusal {
  return new Refusal(text(message, 403));
}

/** 500: the answer of MAAS to an exception in its code, with the text of the exception. */
export function bug(message: string): Refusal {
  return new Refusal(text(message, 500));
}

/** An answer of any kind. */
export function answer(status: number, contentType: string, body: string): Answer {
  return { status, headers: { "Content-Type": contentType }, body };
}
