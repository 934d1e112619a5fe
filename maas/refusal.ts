import { ExplainedError, type Explanation } from "../errors/explained-error.ts";
import { remedyFor } from "./remedies.ts";
import { isPage, isUnavailable, mayHaveBeenDone } from "./unavailable.ts";

/** An answer of MAAS that is not a success, explained. Thrown by every call; `status` and `fields` are for those who know better. */
export class MaasRefusal extends ExplainedError {
  override readonly name = "MaasRefusal";
  readonly status: number;
  /** What MAAS said, by the field it is about; `__all__` for the whole; `""` for a bare text. Never of a 401. */
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

  /** Whether MAAS said something that matches, about this field or, without one, about anything. */
  says(pattern: RegExp, field?: string): boolean {
    const texts = field === undefined ? Object.values(this.fields).flat() : (this.fields[field] ?? []);
    return texts.some((text) => pattern.test(text));
  }
}

/** Who was asked for what. */
export interface Asked {
  /** As a gerund phrase. */
  readonly step: string;
  readonly method: string;
  readonly url: string;
  /** The region's name for a person. */
  readonly host?: string | undefined;
}

const longestQuote = 600;

const whereMaasIs = "Declare in maas.url where MAAS is, with its path: http://HOST:5240/MAAS.";

/** What was answered. */
export interface Refused {
  readonly status: number;
  /** The content type. */
  readonly type: string;
  readonly body: string;
  /** The `WWW-Authenticate` header. */
  readonly authenticate?: string | undefined;
}

/** An answer with a status from 400 on, as an error. A 401's body is not passed on: it may hold the right secret. */
export function refusal(asked: Asked, { status, type, body, authenticate = "" }: Refused): MaasRefusal {
  const { step, host } = asked;
  const of = (found: string, remedy: string, fields = {}) =>
    new MaasRefusal({ host, step, found, remedy }, status, fields);
  if (status === 401) {
    // MAAS asks for OAuth in a text, without a page around it.
    const scheme = /^\s*(basic|digest|negotiate|ntlm|bearer)\b/i.exec(authenticate)?.[1];
    if (scheme || /^\s*<(!doctype|html|head|body)/i.test(body)) {
      return of(
        `a proxy or web server before MAAS wants a login of its own at ${asked.url} (401${scheme ? `, ${scheme}` : ""})`,
        "Declare in maas.url an address that leads to MAAS itself (http://localhost:5240/MAAS on the region host), or let the proxy pass requests to MAAS's API.",
      );
    }
    return of(
      "MAAS refuses the API key (401)",
      "See that the key belongs to this MAAS and was not revoked: `sudo maas apikey --username USER` on the region host lists those that are valid. A key that was changed in the declaration alone: run `pulumi up --refresh=false` once, since a refresh still uses the last update's.",
    );
  }
  const page = isPage(type, body);
  if (isUnavailable(status)) {
    const said = page ? "" : Object.values(saidIn(type, body)).flat().join("; ");
    const words = said ? `: ${said.slice(0, longestQuote)}` : "";
    const unsure = mayHaveBeenDone(asked.method, status) ? "; whether MAAS did it is not known" : "";
    return of(
      status === 429
        ? `a proxy before MAAS takes no more requests for now (429${words}); MAAS did nothing`
        : `MAAS is down, restarts or is overloaded: a proxy before it, or MAAS itself, answers ${status}${words}${unsure}`,
      remedyFor(status, said),
      page ? {} : saidIn(type, body),
    );
  }
  if (page && status === 403) {
    return of(
      `a proxy or web server before MAAS refuses ${asked.url} (403)`,
      "Let it pass requests to MAAS's API, or declare in maas.url an address that leads to MAAS itself: http://HOST:5240/MAAS.",
    );
  }
  if (page || (status === 404 && !/^(No |Unknown API|Not Found)/i.test(body))) {
    return of(`something that is not MAAS's API answers at ${asked.url} (${status})`, whereMaasIs);
  }
  const fields = saidIn(type, body);
  const text = Object.entries(fields)
    .flatMap(([field, said]) =>
      said.map((line) => (field && field !== "__all__" ? `${field}: ${line}` : line)),
    )
    .join("; ");
  const quoted = text.length > longestQuote ? `${text.slice(0, longestQuote)}...` : text;
  if (/^Unknown API endpoint/.test(text)) {
    return of(`MAAS has no ${asked.url}`, whereMaasIs, fields);
  }
  return of(`MAAS says: ${quoted || "nothing"} (${status})`, remedyFor(status, text), fields);
}

function saidIn(type: string, body: string): Record<string, string[]> {
  if (!type.includes("json")) return { "": [body.trim()].filter(Boolean) };
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
      return Object.fromEntries(
        Object.entries(parsed).map(([field, said]) => [field, [said].flat().map((line) => String(line))]),
      );
    }
  } catch {
    // Exceptions below a form's are said to be JSON and are bare text.
  }
  return { "": [body.trim()].filter(Boolean) };
}

/** A page in the place of an answer: a login, a portal, another service. */
export function pageInstead({ step, host, url }: Asked, status: number): ExplainedError {
  return new ExplainedError({
    host,
    step,
    found: `a web page answers at ${url} in the place of MAAS's API (${status}): a login, a portal or another service`,
    remedy: whereMaasIs,
  });
}
