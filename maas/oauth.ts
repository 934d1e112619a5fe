import { randomUUID } from "node:crypto";
import type { ApiKey } from "./api-key.ts";

/**
 * The value of `Authorization` for one attempt: OAuth 1.0 with PLAINTEXT, the only method that MAAS accepts. Every
 * attempt needs a new one, since MAAS accepts a nonce only once.
 *
 * @param seconds The time to sign with. MAAS refuses a time more than 300 s behind its own clock.
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
