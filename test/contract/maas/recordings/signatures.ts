import { adminKey, authorization } from "../region-process.ts";

const now = () => Math.floor(Date.now() / 1000);
const [consumer, token, secret] = adminKey.split(":");

/**
 * The signatures of the requests marked `custom`, by their number. Headers were not recorded. Refused requests are signed
 * as their refusals state, and accepted ones in ways that MAAS is known to accept.
 */
export const signatures: Readonly<Record<number, () => string>> = {
  9: () => authorization(adminKey, { oauth_signature: "%26wrong" }),
  10: () => authorization(adminKey, { oauth_timestamp: String(now() - 400) }),
  11: () => authorization(adminKey, { oauth_timestamp: String(now() + 400) }),
  12: () => authorization(adminKey, { oauth_nonce: "96b79821d83c4ac5a9783cf6a607e966" }),
  13: () => authorization(adminKey, { oauth_nonce: "96b79821d83c4ac5a9783cf6a607e966" }),
  14: () => authorization(adminKey, { oauth_consumer_key: `zz${consumer}` }),
  15: () => authorization(adminKey, { oauth_token: `zz${token}` }),
  16: () => authorization(adminKey).replace(/, oauth_version="1.0"|oauth_version="1.0", /, ""),
  17: () => authorization(adminKey).replace(/, oauth_nonce="[^"]*"/, ""),
  18: () => authorization(adminKey, { oauth_signature: `&${secret}` }),
  19: () =>
    authorization(adminKey, {
      oauth_signature_method: "HMAC-SHA1",
      oauth_nonce: "161789b3bab54ea192ff67571863e468",
    }),
  20: () => authorization(adminKey).replaceAll(", ", ","),
  21: () => authorization(adminKey).replace("OAuth ", 'OAuth realm="", '),
};
