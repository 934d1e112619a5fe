import { connect, createServer, type Server, type Socket } from "node:net";

/** A TCP proxy that can be slow, cut connections, and stop forwarding bytes. */
export interface TcpProxy {
  readonly port: number;
  /** The number of forwarded bytes, to the server and back. */
  readonly bytes: { up: number; down: number };
  /** Connections accepted so far. */
  readonly accepted: number;
  /** The delay of each piece in milliseconds, per direction. */
  delay(ms: { up?: number; down?: number }): void;
  /** Resets all connections, as a firewall does after a power failure. */
  cut(): void;
  /** Cuts all connections after this many more bytes to the server. */
  cutAfter(bytes: number): Promise<void>;
  /** Continues to accept bytes but does not forward them, as if the route were lost. */
  freeze(): void;
  /** Forwards bytes again, including those that were kept back. */
  thaw(): void;
  /** Accepts new connections and ends them at once. */
  refuse(refusing: boolean): void;
  close(): Promise<void>;
}

/** Listens on a free port of loopback and forwards all data to a server. */
export async function tcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const delays = { up: 0, down: 0 };
  const bytes = { up: 0, down: 0 };
  const pairs = new Set<readonly [Socket, Socket]>();
  let accepted = 0;
  let refusing = false;
  let frozen = false;
  let held: (() => void)[] = [];
  let limit: { at: number; reached: () => void } | undefined;

  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
    pairs.clear();
  };

  const pass = (from: Socket, to: Socket, direction: "up" | "down") => {
    // Each piece has a timer of the same length, so the order is kept and no piece waits for an earlier one.
    const later = (what: () => void) => {
      const act = () => (frozen ? held.push(what) : what());
      if (delays[direction] === 0) act();
      else setTimeout(act, delays[direction]);
    };
    from.on("data", (piece: Buffer) => {
      const send = () => {
        if (to.destroyed) return;
        bytes[direction] += piece.length;
        if (limit && direction === "up" && bytes.up >= limit.at) {
          const { reached } = limit;
          limit = undefined;
          cut();
          reached();
          return;
        }
        if (!to.write(piece)) {
          from.pause();
          to.once("drain", () => from.resume());
        }
      };
      later(send);
    });
    from.on("end", () => later(() => to.end()));
    from.on("error", () => to.destroy());
    from.on("close", () => later(() => to.destroy()));
  };

  const server: Server = createServer({ noDelay: true }, (client) => {
    accepted++;
    if (refusing) return client.destroy();
    const upstream = connect({ ...target, noDelay: true });
    const pair = [client, upstream] as const;
    pairs.add(pair);
    upstream.on("close", () => pairs.delete(pair));
    pass(client, upstream, "up");
    pass(upstream, client, "down");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    bytes,
    get accepted() {
      return accepted;
    },
    delay: (ms) => Object.assign(delays, ms),
    cut,
    cutAfter: (count) =>
      new Promise((reached) => {
        limit = { at: bytes.up + count, reached };
      }),
    freeze() {
      frozen = true;
    },
    thaw() {
      frozen = false;
      for (const what of held) what();
      held = [];
    },
    refuse(value) {
      refusing = value;
    },
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
