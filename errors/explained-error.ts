/** What a user must know to correct a failure without reading code. */
export interface Explanation {
  /** The host's name, as given to ssh. */
  readonly host?: string | undefined;
  /** The declared resource, e.g. `Files ubuntu-site`. The kernel adds it. */
  readonly resource?: string | undefined;
  /** Paths of the declared values that may cause it, e.g. `upstream.key`, relative to the resource or component. */
  readonly values?: readonly string[] | undefined;
  /** The action that failed, as a gerund phrase: "writing /etc/nginx/nginx.conf". */
  readonly step: string;
  /** What was found instead of what was expected. Never contains a secret. */
  readonly found: string;
  /** What to do, as an imperative sentence. */
  readonly remedy: string;
  readonly cause?: unknown;
  /** The server answered with a redirect, which was not followed. So the request was not carried out. */
  readonly isRedirect?: true | undefined;
}

/**
 * An expected failure, with an explanation. Every failure with a cause outside the code (a host, a network, an input,
 * upstream) is thrown as one of these.
 */
export class ExplainedError extends Error {
  override readonly name: string = "ExplainedError";
  readonly explanation: Explanation;

  constructor(explanation: Explanation) {
    super(render(explanation), { cause: explanation.cause });
    this.explanation = explanation;
  }

  /** The same failure with facts that an outer layer knows, e.g. the resource. Existing facts are not replaced. */
  within(context: Partial<Explanation>): ExplainedError {
    return new ExplainedError({
      ...context,
      ...this.explanation,
      resource: this.explanation.resource ?? context.resource,
      host: this.explanation.host ?? context.host,
    });
  }
}

function render({ host, resource, step, found, remedy }: Explanation): string {
  const where = [resource, host && `host ${host}`].filter(Boolean).join(", ");
  return printable(`${where ? `${where}: ` : ""}${step}: ${found}\n  What to do: ${remedy}`);
}

/**
 * Text from other systems may contain characters that control a terminal or reverse the direction of the text. Each
 * is replaced by its number.
 */
export function printable(text: string): string {
  return text.replace(
    /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
