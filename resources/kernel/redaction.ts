import { ExplainedError } from "../../errors/explained-error.ts";
import type { Json } from "./definition.ts";
import type { Properties } from "./stored-properties.ts";

/** Shorter values are not removed: they are not secrets, and occur in ordinary words. */
const minimumLength = 4;

/**
 * Removes secrets from every text that leaves the provider. Careful messages are not enough: a host may quote a line
 * of a configuration file that it refuses.
 */
export class Redaction {
  readonly #paths: readonly (readonly string[])[];
  readonly #secrets = new Set<string>();

  /** @param paths Paths of secrets, as in `ResourceDefinition.secrets`. */
  constructor(paths: readonly string[] = []) {
    this.#paths = paths.map((path) => path.split("."));
  }

  /** Adds the secrets in the properties. Values that the state cannot store are ignored. */
  learn(properties: object | undefined): this {
    for (const path of this.#paths) {
      for (const text of textsAt(properties as Json | undefined, path)) this.#add(text);
    }
    return this;
  }

  /** Adds every text of a value that is secret as a whole. */
  learnAll(value: unknown): this {
    for (const text of textsAt(value as Json | undefined, [])) this.#add(text);
    return this;
  }

  text(text: string): string {
    // The longest first: one secret may be a prefix of another.
    const secrets = [...this.#secrets].sort((a, b) => b.length - a.length);
    return secrets.reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text);
  }

  /** The same explanation without secrets and without its cause, which may quote any text. */
  error(error: ExplainedError): ExplainedError {
    const { host, resource, step, found, remedy } = error.explanation;
    const redacted = new ExplainedError({
      host: host && this.text(host),
      resource: resource && this.text(resource),
      step: this.text(step),
      found: this.text(found),
      remedy: this.text(remedy),
    });
    redacted.stack = this.text(error.stack ?? "");
    return redacted;
  }

  #add(secret: string): void {
    // A message may quote a single line, or with the escapes of JSON or of a URL.
    for (const part of [secret, ...secret.split("\n").map((line) => line.trim())]) {
      if (part.length < minimumLength) continue;
      this.#secrets.add(part);
      this.#secrets.add(JSON.stringify(part).slice(1, -1));
      this.#secrets.add(encodeURIComponent(part.toWellFormed()));
    }
  }
}

/** All texts and numbers at a path and below it; `*` stands for every key. */
function textsAt(value: Json | undefined, path: readonly string[]): string[] {
  if (value === undefined || value === null || typeof value === "boolean") return [];
  const [key, ...rest] = path;
  if (typeof value !== "object") return key === undefined ? [String(value)] : [];
  if (key === undefined || key === "*") return Object.values(value).flatMap((item) => textsAt(item, rest));
  return textsAt((value as Properties)[key], rest);
}
