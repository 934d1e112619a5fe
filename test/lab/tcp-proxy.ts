import { connect, createServer, type Server, type Socket } from "node:net";

/** A real TCP proxy that can be slow, cut connections, and stop passing bytes on. */
export interface TcpProxy {
  readonly port: number;
  /** Bytes passed on so far, towards the server and back. */
  readonly bytes: { up: number; down: number };
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Milliseconds that each piece is held back, per direction. */
  delay(ms: { up?: number; down?: number }): void;
  /** Ends all connections with a reset, as a pulled plug with a firewall behind it does. */
  cut(): void;
  /** Cuts all connections once this many more bytes have gone up. */
  cutAfter(bytes: number): Promise<void>;
  /** Goes on accepting bytes but passes none on, as a route that has vanished. */
  freeze(): void;
  /** Passes them on again, and everything held back meanwhile. */
  thaw(): void;
  /** New connections are accepted and ended at once. */
  refuse(refusing: boolean): void;
  close(): Promise<void>;
}

/** Listens on a free port of loopback and passes everything on to a server. */
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
    // A timer each, all of the same length, keeps the order; what follows waits for no earlier piece.
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
