import { ExplainedError } from "../errors/explained-error.ts";
import { TransferFailure, type TransferFault } from "./transfer-failure.ts";

export interface ConnectionFailure {
  readonly found: string;
  readonly remedy: string;
  readonly fault: TransferFault;
}

/** What a connection that a host makes for us failed of; `to` is what it was to reach, as in `connect to it`. */
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
  // An SSH server gives its reason as a number (RFC 4254, 5.1); TLS gives one in words.
  if (typeof error.reason === "number") {
    return {
      found: `the host cannot connect to ${to} (${error.message})`,
      remedy: `See on ${host} whether the name resolves there and the server listens, e.g. with \`curl -I\`.`,
      // A name that does not resolve is mistyped more often than it is late.
      fault: /refused|timed out|unreachable|temporary/i.test(error.message) ? "broken" : "other",
    };
  }
  if (/^(ERR_SSL|EPROTO)/.test(error.code ?? "")) {
    return {
      found: `no TLS connection to ${to} comes about (${tlsReason(error)})`,
      remedy:
        "See whether https is spoken there, and whether the server wants a client's certificate that is not given, or does not take the one that is.",
      fault: "tls",
    };
  }
  const whose = to === "it" ? "its certificate" : `the certificate of ${to}`;
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/.test(error.code ?? "")) {
    return {
      found: `${whose} is not accepted (${error.message})`,
      remedy: "Add the authority that signed it with NODE_EXTRA_CA_CERTS, or correct the certificate.",
      fault: "certificate",
    };
  }
  return {
    found: `the connection${to === "it" ? "" : ` to ${to}`} broke (${error.message})`,
    remedy: "See whether the server is well; then run this again.",
    fault: "broken",
  };
}

/** OpenSSL's own words, without its source files and line numbers. */
function tlsReason({ reason, message }: { readonly reason?: unknown; readonly message: string }): string {
  return typeof reason === "string" ? reason : message.trim();
}
