import { randomUUID } from "node:crypto";
import type { ApiKey } from "./api-key.ts";

/**
 * The value of `Authorization` for one attempt: OAuth 1.0 with PLAINTEXT, all that MAAS takes. Every attempt
 * needs its own, since MAAS refuses a nonce that it has seen.
 *
 * @param seconds the time to sign with. MAAS refuses what is more than 300 s behind its own clock.
 */
export function authorization(key: ApiKey, seconds: number, nonce: string = randomUUID()): string {
  const fields = {
    oauth_version: "1.0",
    oauth_signature_method: "PLAINTEXT",
    oauth_consumer_key: key.consumerKey,
    oauth_token: key.tokenKey,
    oauth_signature: `%26${key.tokenSecret}`,
    oauth_nonce: nonce,
    oauth_timestamp: String(Math.floor(seconds)),
  };
  const text = Object.entries(fields).map(([name, value]) => `${name}="${value}"`);
  return `OAuth ${text.join(", ")}`;
}
