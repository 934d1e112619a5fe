import { createServer, type Server } from "node:http";
import type { Maas } from "./maas.ts";
import { readRequest } from "./request.ts";

/** What a test may ask for: each member on its own, the others stay as they are. */
export interface ControlRequest {
  /** Seconds that each answer takes. */
  readonly slow?: number;
  /** Seconds from now that every request is answered 502. */
  readonly badGatewayFor?: number;
  /** Seconds that the server's clock is ahead; less than none for behind. */
  readonly clockOffset?: number;
  readonly diskFull?: boolean;
  /** A user whose API keys are taken away. */
  readonly revokeKeysOf?: string;
}

/**
 * The stand-in's own interface, no part of MAAS: `POST /control` with a `ControlRequest` as JSON, on a socket of its own.
 * Answers with what is set now, once no request is under way any more that came before: a client that was killed in the
 * middle of one has left it to be carried out.
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
