import { type Answer, answer, Refusal } from "./answers.ts";
import { hmacSignature, signatureBase } from "./hmac.ts";
import type { Request } from "./request.ts";
import type { ApiKey } from "./state.ts";

/**
 * The maximum age of a request's timestamp, by the server's clock. In seconds. A time in the future is always
 * accepted.
 */
const threshold = 300;

const required = [
  "oauth_consumer_key",
  "oauth_token",
  "oauth_signature",
  "oauth_signature_method",
  "oauth_timestamp",
  "oauth_nonce",
];

/** The keys that may sign, and the nonces that were used. */
export class Signatures {
  readonly #keys: () => readonly ApiKey[];
  readonly #now: () => number;
  /** The nonces seen, by token, with the second of their use. */
  readonly #seen = new Map<string, number>();

  /** @param now the server's clock, in milliseconds since 1970 */
  constructor(keys: () => readonly ApiKey[], now: () => number) {
    this.#keys = keys;
    this.#now = now;
  }

  /**
   * The key that a request is signed with, by OAuth 1.0, or undefined for a request without a signature.
   * Throws a 401 for an invalid signature (django-piston's `oauth.py`: consumer, token, time, nonce, signature).
   */
  keyOf(request: Request): ApiKey | undefined {
    const { authorization } = request;
    if (authorization === undefined || !required.every((name) => authorization.includes(name))) {
      return undefined;
    }
    const given = parameters(authorization);
    const consumer = this.#keys().filter((key) => key.consumerKey === given.get("oauth_consumer_key"));
    if (consumer.length === 0) throw unauthorized("Invalid API key.");
    const key = consumer.find(({ tokenKey }) => tokenKey === given.get("oauth_token"));
    if (key === undefined) throw unauthorized(`'Invalid access token: ${given.get("oauth_token")}'`);
    this.#checkTime(Number(given.get("oauth_timestamp")));
    this.#checkNonce(key, given.get("oauth_nonce") ?? "");
    const method = given.get("oauth_signature_method") ?? "";
    const { base, signature } = expectedSignature(method, request, given, key);
    if (given.get("oauth_signature") !== signature) {
      // With PLAINTEXT, MAAS does put the expected secret into its answer.
      throw unauthorized(`'Invalid signature. Expected signature base string: ${base}'`);
    }
    return key;
  }

  #checkTime(given: number): void {
    const now = Math.floor(this.#now() / 1000);
    if (now - given > threshold) {
      throw unauthorized(
        `'Expired timestamp: given ${given} and now ${now} has a greater difference than threshold ${threshold}'`,
      );
    }
  }

  #checkNonce(key: ApiKey, nonce: string): void {
    const name = `${key.tokenKey} ${nonce}`;
    if (this.#seen.has(name)) throw unauthorized(`'Nonce already used: ${nonce}'`);
    this.#seen.set(name, this.#now());
  }
}

/** The text of a request that a method signs, and its signature. */
function expectedSignature(
  method: string,
  request: Request,
  given: ReadonlyMap<string, string>,
  { tokenSecret }: ApiKey,
): { readonly base: string; readonly signature: string } {
  switch (method) {
    case "PLAINTEXT":
      return { base: `&${tokenSecret}`, signature: `&${tokenSecret}` };
    case "HMAC-SHA1": {
      const base = signatureBase(request, given);
      return { base, signature: hmacSignature(base, tokenSecret) };
    }
    default:
      throw unauthorized(
        `'Signature method ${method} not supported try one of the following: PLAINTEXT, HMAC-SHA1'`,
      );
  }
}

/** The parameters of an `Authorization: OAuth` header, without the realm. */
function parameters(header: string): Map<string, string> {
  const parts = header.replace(/^OAuth\s+/i, "").split(",");
  return new Map(
    parts
      .filter((part) => !part.includes("realm"))
      .map((part) => {
        const [, name = "", value = ""] = /^\s*([^=]*)=(.*?)\s*$/.exec(part) ?? [];
        return [name, decodeURIComponent(value.replace(/^"|"$/g, ""))];
      }),
  );
}

function unauthorized(message: string): Refusal {
  const body: Answer = answer(401, "text/html; charset=utf-8", `Authorization Error: ${message}`);
  return new Refusal({ ...body, headers: { ...body.headers, "WWW-Authenticate": 'OAuth realm="OAuth"' } });
}
