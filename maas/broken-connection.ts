/**
 * Error codes of Node: the other side is not reachable, or closed the connection. Certificate errors and unknown names
 * are not included.
 */
const codes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
]);
/** SSH_OPEN_CONNECT_FAILED (RFC 4254, 5.1): the host of the tunnel could not connect. */
const connectFailed = 2;

/** Whether a retry may succeed: the connection failed or broke, as when MAAS restarts. */
export function isBrokenConnection(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, reason, cause } = error as { code?: unknown; reason?: unknown; cause?: unknown };
  return codes.has(String(code)) || reason === connectFailed || isBrokenConnection(cause);
}
