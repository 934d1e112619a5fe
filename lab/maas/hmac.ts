import { createHmac } from "node:crypto";
import type { Request } from "./request.ts";

/**
 * The text that OAuth 1.0 signs with HMAC-SHA1: method, address and all parameters except the signature.
 *
 * @param parameters the parameters of the `Authorization` header
 */
export function signatureBase(request: Request, parameters: ReadonlyMap<string, string>): string {
  const signed = [...parameters, ...request.query]
    .filter(([name]) => name !== "oauth_signature" && name !== "realm")
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .sort()
    .join("&");
  const address = `http://${request.host}${request.path}`;
  return [request.method, address, signed].map(escaped).join("&");
}

/** The signature over a base, in base64; the consumer's secret is empty. */
export function hmacSignature(base: string, tokenSecret: string): string {
  return createHmac("sha1", `&${escaped(tokenSecret)}`)
    .update(base)
    .digest("base64");
}

/** RFC 3986: escapes all characters except letters, digits and `-._~`. */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
