import { pythonJson } from "./python.ts";

/** What goes back to the client. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is wrong with each field; `__all__` is what is wrong between them. */
export type FieldErrors = Readonly<Record<string, readonly string[]>>;

/**
 * An answer that is thrown from below a handler. MAAS turns an exception into an answer either where it calls its
 * handlers or in a middleware around everything; only the former says `Vary: Authorization`.
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

/** JSON on one line, as of what MAAS writes without its emitter: `version/`. */
export function jsonLine(value: unknown): Answer {
  return answer(200, "application/json; charset=utf-8", pythonJson(value));
}

export function text(body: string, status = 200): Answer {
  return answer(status, "text/plain; charset=utf-8", body);
}

/** What every DELETE answers. */
export const deleted = answer(204, "text/plain", "");

/** 404 for an object that is not there, e.g. `No BootSource matches the given query.` */
export function notFound(model: string): Refusal {
  return new Refusal(answer(404, "text/plain", `No ${model} matches the given query.`), "by the resource");
}

/** 400 with what is wrong with each field of a form. */
export function invalid(errors: FieldErrors): Refusal {
  return new Refusal(answer(400, "application/json; charset=utf-8", pythonJson(errors)));
}

/** 400 with what a model, not a form, had against it: the same, without a charset. */
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

/** 500: what MAAS says when its own code fails, the text of the exception. */
export function bug(message: string): Refusal {
  return new Refusal(text(message, 500));
}

/** An answer of any kind. */
export function answer(status: number, contentType: string, body: string): Answer {
  return { status, headers: { "Content-Type": contentType }, body };
}
