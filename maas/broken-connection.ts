/** Of Node's network: the other side is not there, or went away. Certificates and names that do not exist are not among them. */
const codes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
]);
/** SSH_OPEN_CONNECT_FAILED (RFC 4254, 5.1): the tunnel's host could not connect. */
const connectFailed = 2;

/** Whether it is worth asking again soon: the connection was not made or broke, as when MAAS restarts. */
export function isBrokenConnection(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, reason, cause } = error as { code?: unknown; reason?: unknown; cause?: unknown };
  return codes.has(String(code)) || reason === connectFailed || isBrokenConnection(cause);
}
