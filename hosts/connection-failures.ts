import { ExplainedError } from "../errors/explained-error.ts";
import { TransferFailure, type TransferFault } from "./transfer-failure.ts";

interface ConnectionFailure {
  readonly found: string;
  readonly remedy: string;
  readonly fault: TransferFault;
}

/** Why a connection through a host failed. `to` is its target, as in `connect to it`. */
export function explainConnection(
  error: NodeJS.ErrnoException & { readonly reason?: unknown },
  to = "it",
  host = "the host",
): ConnectionFailure {
  if (error instanceof ExplainedError) {
    const { found, remedy } = error.explanation;
    return { found, remedy, fault: error instanceof TransferFailure ? error.fault : "other" };
  }
  if (error.reason === 1) {
    return {
      found: `the host does not allow tunnels (${error.message})`,
      remedy:
        "Set `AllowTcpForwarding yes` (or `local`) for this user in the host's sshd_config. A certificate that you log in with needs permit-port-forwarding.",
      fault: "other",
    };
  }
  // An SSH server gives its reason as a number (RFC 4254, 5.1), TLS as a text.
  if (typeof error.reason === "number") {
    return {
      found: `the host cannot connect to ${to} (${error.message})`,
      remedy: `Check on ${host} whether the name resolves and the server listens, e.g. with \`curl -I\`.`,
      // A name that does not resolve is more likely mistyped than temporarily missing.
      fault: /refused|timed out|unreachable|temporary/i.test(error.message) ? "broken" : "other",
    };
  }
  if (/^(ERR_SSL|EPROTO)/.test(error.code ?? "")) {
    return {
      found: `the TLS handshake with ${to} failed (${tlsReason(error)})`,
      remedy:
        "Check that the server uses https, and whether it requires a client certificate that is not declared or refuses the declared one.",
      fault: "tls",
    };
  }
  const whose = to === "it" ? "its certificate" : `the certificate of ${to}`;
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/.test(error.code ?? "")) {
    return {
      found: `${whose} is not accepted (${error.message})`,
      remedy: "Add the authority that signed it in NODE_EXTRA_CA_CERTS, or correct the certificate.",
      fault: "certificate",
    };
  }
  return {
    found: `the connection${to === "it" ? "" : ` to ${to}`} broke (${error.message})`,
    remedy: "Check that the server works, then run this again.",
    fault: "broken",
  };
}

/** OpenSSL's reason, without its source files and line numbers. */
function tlsReason({ reason, message }: { readonly reason?: unknown; readonly message: string }): string {
  return typeof reason === "string" ? reason : message.trim();
}
