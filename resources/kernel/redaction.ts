import { ExplainedError } from "../../errors/explained-error.ts";
import type { Json } from "./definition.ts";
import type { Properties } from "./stored-properties.ts";

/** Shorter values are not removed: they are not secrets, and occur in ordinary words. */
const minimumLength = 4;
/** The same for a word of a secret, where it is not between quotes. */
const minimumWordLength = 8;

const replacement = "[secret]";
/** What separates the parts of a line of configuration. A program may quote each of them alone. */
const separators = /["'`;,=/(){}:@\s]+/;
const comment = /^\s*(#|;|\/\/)/;
/** An observed value that is not shown: `(differs from what is declared)`. Its words are ordinary ones. */
const placeholder = /^\([^\n]*\)$/;
/** `proxy_pass http://...`, `requirepass = ...`, `password: ...`: the name of a setting, before its value. */
const settingName = /^[\s{"'-]*([A-Za-z][A-Za-z_-]*)["']?(?:\s*=\s*|:?\s+)(?=[^\s=])/;

/**
 * Removes secrets from every text that leaves the provider. Careful messages are not enough: a host may quote a part of
 * a configuration file that it refuses. Names of settings and what is declared openly stay readable in such a message.
 */
export class Redaction {
  readonly #paths: readonly (readonly string[])[];
  /** Secrets and their lines. */
  readonly #secrets = new Set<string>();
  /** Secrets of which a text may quote any part. */
  readonly #quotable = new Set<string>();
  readonly #words = new Set<string>();
  readonly #names = new Set<string>();
  readonly #open = new Set<string>();

  /** @param paths Paths of secrets, as in `ResourceDefinition.secrets`. */
  constructor(paths: readonly string[] = []) {
    this.#paths = paths.map((path) => path.split("."));
  }

  /** Adds the secrets in the properties. Values that the state cannot store are ignored. */
  learn(properties: object | undefined): this {
    for (const path of this.#paths) {
      for (const text of textsAt(properties as Json | undefined, path)) {
        this.#add(text);
        this.#addParts(text);
      }
    }
    return this;
  }

  /** Leaves the words of all other values readable where they are only a part of a secret. */
  leaveOpen(properties: object): this {
    if (this.#paths.length === 0) return this;
    for (const text of textsBeside(properties as Json, this.#paths)) {
      for (const part of [text, ...text.split(/\s+/), ...text.split(separators)]) this.#open.add(part);
    }
    return this;
  }

  /** Adds every text of a value that is secret as a whole. */
  learnAll(value: unknown): this {
    for (const text of textsAt(value as Json | undefined, [])) this.#add(text);
    return this;
  }

  text(text: string): string {
    const withoutWhole = replaceAll(text, this.#secrets);
    if (this.#quotable.size === 0) return withoutWhole;
    return replaceAll(this.#withoutQuoted(withoutWhole), new Set(this.#hiddenWords().flatMap(escapesOf)));
  }

  /** Replaces what stands between quotes, or beside a replaced part, if it is a part of a secret. */
  #withoutQuoted(text: string): string {
    const pieces = text.split(/(\[secret\]|["'`\n])/);
    const words = new Set([...this.#words].flatMap((word) => word.split(separators)));
    const isReadable = (part: string) =>
      this.#open.has(part) || (this.#names.has(part) && !words.has(part)) || part === replacement;
    return pieces
      .map((piece) => {
        const part = piece.trim();
        const isHidden =
          part.length >= minimumLength &&
          !isReadable(part) &&
          [...this.#quotable].some((secret) => secret.includes(part));
        return isHidden ? piece.replace(part, replacement) : piece;
      })
      .join("");
  }

  #hiddenWords(): string[] {
    return [...this.#words]
      .flatMap((word) => {
        const parts = word.split(separators);
        const hidden = parts.filter((part) => !this.#open.has(part));
        return hidden.length === parts.length ? [word, ...parts] : hidden;
      })
      .filter((word) => word.length >= minimumWordLength && !this.#open.has(word));
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
    for (const part of [secret, ...secret.split("\n").map((line) => line.trim())]) {
      if (part.length < minimumLength) continue;
      for (const form of escapesOf(part)) this.#secrets.add(form);
    }
  }

  #addParts(secret: string): void {
    if (placeholder.test(secret)) return;
    this.#quotable.add(secret);
    // Programs do not quote comments, and these have ordinary words.
    for (const line of secret.split("\n").filter((text) => !comment.test(text))) {
      const [beginning = "", name] = settingName.exec(line) ?? [];
      if (name) this.#names.add(name);
      for (const word of line.slice(beginning.length).split(/\s+/)) this.#words.add(word);
    }
  }
}

/** A message may quote a text with the escapes of JSON or of a URL. */
function escapesOf(text: string): string[] {
  return [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text.toWellFormed())];
}

function replaceAll(text: string, secrets: ReadonlySet<string>): string {
  // The longest first: one secret may be a prefix of another.
  return [...secrets]
    .sort((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, replacement), text);
}

/** All texts and numbers at a path and below it; `*` stands for every key. */
function textsAt(value: Json | undefined, path: readonly string[]): string[] {
  if (value === undefined || value === null || typeof value === "boolean") return [];
  const [key, ...rest] = path;
  if (typeof value !== "object") return key === undefined ? [String(value)] : [];
  if (key === undefined || key === "*") return Object.values(value).flatMap((item) => textsAt(item, rest));
  return textsAt((value as Properties)[key], rest);
}

/** All keys, texts and numbers that are not at one of the paths. */
function textsBeside(value: Json, paths: readonly (readonly string[])[]): string[] {
  if (value === null || typeof value === "boolean" || paths.some((path) => path.length === 0)) return [];
  if (typeof value !== "object") return [String(value)];
  return Object.entries(value).flatMap(([key, item]) => {
    const below = paths.filter(([first]) => first === "*" || first === key).map(([, ...rest]) => rest);
    return [key, ...textsBeside(item, below)];
  });
}
