import { ExplainedError, type Explanation } from "../errors/explained-error.ts";
import { remedyFor } from "./remedies.ts";
import { isPage, isUnavailable, mayHaveBeenDone } from "./unavailable.ts";

/**
 * An error answer of MAAS, with an explanation. Every call may throw it. Callers that know more use `status` and
 * `fields`.
 */
export class MaasRefusal extends ExplainedError {
  override readonly name = "MaasRefusal";
  readonly status: number;
  /** MAAS's messages by field; `__all__` for the whole form; `""` for a bare text. Empty for a 401. */
  readonly fields: Readonly<Record<string, readonly string[]>>;

  constructor(
    explanation: Explanation,
    status: number,
    fields: Readonly<Record<string, readonly string[]>> = {},
  ) {
    super(explanation);
    this.status = status;
    this.fields = fields;
  }

  /** Whether a message of MAAS matches, for this field or, without one, for any field. */
  says(pattern: RegExp, field?: string): boolean {
    const texts = field === undefined ? Object.values(this.fields).flat() : (this.fields[field] ?? []);
    return texts.some((text) => pattern.test(text));
  }
}

/** The request. */
interface Asked {
  /** As a gerund phrase. */
  readonly step: string;
  readonly method: string;
  readonly url: string;
  /** The region's name in errors. */
  readonly host?: string | undefined;
}

const maximumQuoteLength = 600;

const urlRemedy = "Declare the URL of MAAS in maas.url, with its path: http://HOST:5240/MAAS.";

/** The answer. */
interface Refused {
  readonly status: number;
  /** The content type. */
  readonly type: string;
  readonly body: string;
  /** The `WWW-Authenticate` header. */
  readonly authenticate?: string | undefined;
}

/**
 * An answer with a status from 400 on, as an error. The body of a 401 is not shown: it may contain the correct secret.
 */
export function refusal(asked: Asked, { status, type, body, authenticate = "" }: Refused): MaasRefusal {
  const { step, host } = asked;
  const of = (found: string, remedy: string, fields = {}) =>
    new MaasRefusal({ host, step, found, remedy }, status, fields);
  if (status === 401) {
    // MAAS itself requests OAuth in a plain text, not in a page.
    const scheme = /^\s*(basic|digest|negotiate|ntlm|bearer)\b/i.exec(authenticate)?.[1];
    if (scheme || /^\s*<(!doctype|html|head|body)/i.test(body)) {
      return of(
        `a proxy or web server before MAAS requires a separate login at ${asked.url} (401${scheme ? `, ${scheme}` : ""})`,
        "Declare an address of MAAS itself in maas.url (http://localhost:5240/MAAS on the region host), or let the proxy forward requests to MAAS's API.",
      );
    }
    return of(
      "MAAS refuses the API key (401)",
      "Check that the key belongs to this MAAS and was not revoked: `sudo maas apikey --username USER` on the region host lists the valid keys. If you have only changed the key in the declaration, run `pulumi up --refresh=false` once, since a refresh still uses the key of the last update.",
    );
  }
  const page = isPage(type, body);
  if (isUnavailable(status)) {
    const messages = page ? "" : Object.values(messagesIn(type, body)).flat().join("; ");
    const quote = messages ? `: ${messages.slice(0, maximumQuoteLength)}` : "";
    const uncertain = mayHaveBeenDone(asked.method, status)
      ? "; whether MAAS carried it out is not known"
      : "";
    return of(
      status === 429
        ? `a proxy before MAAS accepts no more requests for now (429${quote}); MAAS did nothing`
        : `MAAS is down, restarting or overloaded: a proxy before it, or MAAS itself, answers ${status}${quote}${uncertain}`,
      remedyFor(status, messages),
      page ? {} : messagesIn(type, body),
    );
  }
  if (page && status === 403) {
    return of(
      `a proxy or web server before MAAS refuses ${asked.url} (403)`,
      "Let it forward requests to MAAS's API, or declare an address of MAAS itself in maas.url: http://HOST:5240/MAAS.",
    );
  }
  if (page || (status === 404 && !/^(No |Unknown API|Not Found)/i.test(body))) {
    return of(`the server at ${asked.url} is not MAAS's API (${status})`, urlRemedy);
  }
  const fields = messagesIn(type, body);
  const text = Object.entries(fields)
    .flatMap(([field, messages]) =>
      messages.map((line) => (field && field !== "__all__" ? `${field}: ${line}` : line)),
    )
    .join("; ");
  const quoted = text.length > maximumQuoteLength ? `${text.slice(0, maximumQuoteLength)}...` : text;
  if (/^Unknown API endpoint/.test(text)) {
    return of(`MAAS has no ${asked.url}`, urlRemedy, fields);
  }
  return of(`MAAS says: ${quoted || "nothing"} (${status})`, remedyFor(status, text), fields);
}

function messagesIn(type: string, body: string): Record<string, string[]> {
  if (!type.includes("json")) return { "": [body.trim()].filter(Boolean) };
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
      return Object.fromEntries(
        Object.entries(parsed).map(([field, messages]) => [
          field,
          [messages].flat().map((line) => String(line)),
        ]),
      );
    }
  } catch {
    // MAAS sends some exceptions as plain text, although it declares JSON.
  }
  return { "": [body.trim()].filter(Boolean) };
}

/** A web page instead of an answer: a login, a portal, another service. */
export function pageError({ step, host, url }: Asked, status: number): ExplainedError {
  return new ExplainedError({
    host,
    step,
    found: `the server at ${url} sends a web page instead of MAAS's API (${status}): a login, a portal or another service`,
    remedy: urlRemedy,
  });
}
