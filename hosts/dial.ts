import { connect as connectTcp, type Socket } from "node:net";
import { ExplainedError } from "../errors/explained-error.ts";
import { type Destination, defaultConnectTimeoutSeconds } from "./destination.ts";
import { TimeLimit } from "./time-limit.ts";
import { Unreachable } from "./unreachable.ts";

/** A TCP connection from this machine to a host's SSH server. */
export function dial(
  host: string,
  port: number,
  timeoutSeconds = defaultConnectTimeoutSeconds,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // Without noDelay each small packet of the protocol waits up to 40 ms for the one before it.
    const socket = connectTcp({ host, port, noDelay: true });
    const limit = new TimeLimit(timeoutSeconds * 1000, () =>
      socket.destroy(Object.assign(new Error(`no answer within ${timeoutSeconds} s`), { code: "ETIMEDOUT" })),
    );
    socket.once("error", (error) => {
      limit.end();
      reject(error);
    });
    socket.once("connect", () => {
      limit.end();
      socket.removeAllListeners("error");
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

/**
 * Why a host could not be reached.
 *
 * @param hop The jump host, if any.
 */
export function explainDial(
  destination: Destination,
  hop: Destination | undefined,
  error: NodeJS.ErrnoException,
): Error {
  if (error instanceof ExplainedError) return error;
  const { name, hostname, port } = destination;
  const through = hop ? ` through ${hop.name}` : "";
  const known: Record<string, [string, string]> = {
    ECONNREFUSED: ["nothing listens on that port", "Start the SSH server on the host, or correct Port."],
    EHOSTUNREACH: [
      "there is no route to that address",
      "Start the host, or correct its address or the routes to it.",
    ],
    ENETUNREACH: ["there is no route to that network", "Correct the host's address or the routes to it."],
    ETIMEDOUT: [
      "it does not answer",
      "Check that the host is up and that no firewall blocks the connection.",
    ],
  };
  const [found, remedy] = known[error.code ?? ""] ?? [
    error.message,
    hop
      ? `Check that ${hop.name} can reach it and allows forwarding (AllowTcpForwarding; permit-port-forwarding in a certificate that you log in with).`
      : `Check that \`ssh ${name}\` works.`,
  ];
  return new Unreachable({
    host: name,
    step: `connecting to ${hostname} port ${port}${through}`,
    found: found === error.message ? found : `${found} (${error.message})`,
    remedy,
    cause: error,
  });
}
