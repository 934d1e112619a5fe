import { createServer, type Server } from "node:http";
import type { Maas } from "./maas.ts";
import { readRequest } from "./request.ts";

/** A test's request. Each member is optional. Values of members that are not sent do not change. */
export interface ControlRequest {
  /** Delay of each answer, in seconds. */
  readonly slow?: number;
  /** For this time from now, every request is answered with 502. In seconds. */
  readonly badGatewayFor?: number;
  /** The number of seconds by which the server's clock is ahead. A negative number means behind. */
  readonly clockOffset?: number;
  readonly diskFull?: boolean;
  /** A user whose API keys are revoked. */
  readonly revokeKeysOf?: string;
}

/**
 * An interface of the stand-in that MAAS does not have: `POST /control` with a `ControlRequest` as JSON, on a separate
 * socket. It answers with the present values, after all earlier requests to MAAS have ended. A client that was killed
 * during a request may have left one that still runs.
 */
export function controlServer(maas: Maas): Server {
  return createServer(async (message, response) => {
    const { body } = await readRequest(message);
    const asked: ControlRequest = body.length === 0 ? {} : JSON.parse(body.toString("utf8"));
    const { faults, store } = maas;
    if (asked.slow !== undefined) faults.slow = asked.slow;
    if (asked.badGatewayFor !== undefined) faults.badGatewayUntil = Date.now() + asked.badGatewayFor * 1000;
    if (asked.clockOffset !== undefined) faults.clockOffset = asked.clockOffset;
    if (asked.diskFull !== undefined) faults.diskFull = asked.diskFull;
    if (asked.revokeKeysOf !== undefined) {
      store.state.keys = store.state.keys.filter(({ username }) => username !== asked.revokeKeysOf);
      store.save();
    }
    await Promise.allSettled(maas.underWay);
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify(faults));
  });
}
