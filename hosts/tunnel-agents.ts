import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { asSocket } from "./channel-socket.ts";
import type { HttpProxy } from "./host.ts";
import { type Dial, dialProxy, tunnelThroughProxy } from "./http-proxy.ts";

type Agent = HttpAgent | HttpsAgent;

/** Agents of Node's HTTP client that connect through a host. One agent is kept for each way to connect. */
export class TunnelAgents {
  readonly #dial: Dial;
  readonly #kept = new Map<string, Agent>();

  constructor(dial: Dial) {
    this.#dial = dial;
  }

  /** An agent that reuses its connections. */
  lasting(secure: boolean, proxy: HttpProxy | undefined): Agent {
    const key = JSON.stringify([secure, proxy]);
    const agent = this.#kept.get(key) ?? this.#make(secure, proxy, true);
    this.#kept.set(key, agent);
    return agent;
  }

  /** An agent whose connection serves one request. */
  single(secure: boolean, proxy: HttpProxy | undefined): Agent {
    return this.#make(secure, proxy, false);
  }

  #make(secure: boolean, proxy: HttpProxy | undefined, keepAlive: boolean): Agent {
    const agent = secure ? new HttpsAgent({ keepAlive }) : new HttpAgent({ keepAlive });
    const reach = (host: string, port: number) => {
      if (!proxy) return this.#dial(host, port);
      return secure ? tunnelThroughProxy(this.#dial, proxy, host, port) : dialProxy(this.#dial, proxy);
    };
    return tunnelling(agent, reach, secure);
  }
}

/** Makes an agent connect through the host. */
function tunnelling<A extends Agent>(agent: A, dial: Dial, secure: boolean): A {
  type Options = { host: string; port: number | string; servername?: string };
  type Done = (error: Error | null, socket?: Duplex) => void;
  const createConnection = (options: Options, done: Done): undefined => {
    dial(options.host, Number(options.port)).then((channel) => {
      if (!secure) return done(null, asSocket(channel));
      // For an address without servername, the certificate is checked against `host`.
      const tls = connectTls({ ...options, port: undefined, socket: channel } as object);
      // Errors during the handshake reach the request through this socket.
      done(null, tls);
    }, done);
  };
  return Object.assign(agent, { createConnection });
}
