/** What a person needs to act on a failure without reading code. */
export interface Explanation {
  /** Where it happened: the name given to ssh. */
  readonly host?: string | undefined;
  /** Which declared thing it concerns, e.g. `Files ubuntu-site`. Filled in by the kernel. */
  readonly resource?: string | undefined;
  /** Paths of the declared values that may be to blame, e.g. `upstream.key`, below what declares them. */
  readonly values?: readonly string[] | undefined;
  /** What was being done, as a gerund phrase: "writing /etc/nginx/nginx.conf". */
  readonly step: string;
  /** What was found instead of what was expected. Never contains a secret. */
  readonly found: string;
  /** What to do about it, as an imperative sentence. */
  readonly remedy: string;
  readonly cause?: unknown;
  /** The server answered with a redirect, which was not followed: the request was not carried out. */
  readonly isRedirect?: true | undefined;
}

/**
 * A failure that was foreseen and is explained. Everything that can go wrong for reasons outside
 * the code (a host, a network, an input, a mirror upstream) is thrown as one of these.
 */
export class ExplainedError extends Error {
  override readonly name: string = "ExplainedError";
  readonly explanation: Explanation;

  constructor(explanation: Explanation) {
    super(render(explanation), { cause: explanation.cause });
    this.explanation = explanation;
  }

  /** The same failure with what an outer layer knows about it, e.g. the resource. What is set stays. */
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

/** What others wrote may stand in what is shown: what a terminal would carry out, or turn around, becomes its number. */
export function printable(text: string): string {
  return text.replace(
    /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
