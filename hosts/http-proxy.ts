import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { ExplainedError } from "../errors/explained-error.ts";
import { shownAddress } from "../errors/shown-address.ts";
import { asSocket } from "./channel-socket.ts";
import { explainConnection } from "./connection-failures.ts";
import type { HttpProxy } from "./host.ts";
import { TimeLimit } from "./time-limit.ts";
import { TransferFailure } from "./transfer-failure.ts";
import { userAgent } from "./user-agent.ts";

export type Dial = (host: string, port: number) => Promise<Duplex>;

/** Milliseconds in which a proxy has to answer a CONNECT request. */
const connectTimeoutMs = 60_000;

/** The proxy refused to connect, e.g. because of missing credentials (407). */
export class ProxyAnswer extends Error {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;

  constructor({ statusCode = 0, headers }: IncomingMessage) {
    super(`the proxy answered ${statusCode}`);
    this.status = statusCode;
    this.headers = headers;
  }
}

/** A connection to the proxy itself, as used by plain http requests (RFC 9112, 3.2.2). */
export async function dialProxy(dial: Dial, proxy: HttpProxy): Promise<Duplex> {
  const { protocol, hostname, port } = new URL(proxy.url);
  const secure = protocol === "https:";
  const host = hostname.replace(/^\[|\]$/g, "");
  try {
    const channel = await dial(host, Number(port || (secure ? 443 : 80)));
    if (!secure) return channel;
    const tls = connectTls({
      socket: channel,
      host,
      ...(isIP(host) ? {} : { servername: host }),
      ...(proxy.ca ? { ca: proxy.ca } : {}),
    } as object) as TLSSocket;
    return await new Promise((resolve, reject) => {
      tls.once("secureConnect", () => resolve(tls)).once("error", reject);
      channel.once("close", () => reject(new Error("it closed the connection")));
    });
  } catch (error) {
    if (error instanceof ExplainedError) throw error;
    const { found, remedy, fault } = explainConnection(
      error as Error,
      `the proxy ${shownAddress(proxy.url)}`,
    );
    throw new TransferFailure({ step: "connecting", found, remedy, cause: error }, fault);
  }
}

/**
 * A connection through the proxy (RFC 9110, 9.3.6).
 *
 * @throws ProxyAnswer when the proxy refuses.
 */
export async function tunnelThroughProxy(
  dial: Dial,
  proxy: HttpProxy,
  host: string,
  port: number,
): Promise<Duplex> {
  const socket = asSocket(await dialProxy(dial, proxy));
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      method: "CONNECT",
      path: authority,
      headers: {
        host: authority,
        "user-agent": userAgent,
        ...(proxy.authorization ? { "proxy-authorization": proxy.authorization } : {}),
      },
      createConnection: () => socket,
    });
    const fail = (error: Error) => {
      limit.end();
      socket.destroy();
      reject(error);
    };
    const limit = new TimeLimit(connectTimeoutMs, () =>
      fail(
        new TransferFailure(
          {
            step: "connecting",
            found: `the proxy ${shownAddress(proxy.url)} did not answer within ${connectTimeoutMs / 1000} s whether it can connect to ${authority}`,
            remedy: "Check that the proxy works and may reach that server.",
          },
          "stalled",
        ),
      ),
    );
    request.on("error", fail);
    request.on("connect", (response, tunnel, head) => {
      const { statusCode = 0 } = response;
      if (statusCode < 200 || statusCode > 299) return fail(new ProxyAnswer(response));
      limit.end();
      if (head.length > 0) tunnel.unshift(head);
      resolve(tunnel);
    });
    request.end();
  });
}
