import { connect, createServer, type Socket } from "node:net";
import { parseArgs } from "node:util";

/*
 * A program: a TCP proxy that adds the latency of a distant server.
 *
 *   node bench/delaying-proxy.ts --listen 127.0.0.1:0 --to 10.77.0.20:22 --delay 25
 *
 * Every byte is delayed by `delay` milliseconds in each direction. The number of bytes in flight is not limited, so
 * the bandwidth is not limited. The first bytes of a connection are delayed by one more round trip, like TCP's
 * handshake. Prints its port. It is a separate process, so that its event loop does not delay the measurement. It ends
 * when its standard input is closed, so it ends with the process that started it.
 */

const { values } = parseArgs({
  options: { listen: { type: "string" }, to: { type: "string" }, delay: { type: "string" } },
});
const listen = address(values.listen);
const to = address(values.to);
const delay = Number(values.delay);

/** Forwards data. Each piece is sent `delay` after its arrival, but not before `notBefore`. */
function pass(from: Socket, into: Socket, notBefore: number): void {
  const later = (act: () => void) => {
    // Timers of the same millisecond fire in the order of their creation, so the order of pieces is kept.
    setTimeout(() => !into.destroyed && act(), Math.max(delay, notBefore - performance.now()));
  };
  from.on("data", (piece) => later(() => into.write(piece)));
  from.on("end", () => later(() => into.end()));
  from.on("error", () => into.destroy());
  from.on("close", () => later(() => into.destroy()));
}

const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
  const accepted = performance.now();
  // It is read after the connection to the server is made. Until that time data waits in the socket.
  client.on("error", () => client.destroy());
  setTimeout(() => {
    const target = connect({ ...to, noDelay: true, allowHalfOpen: true });
    pass(client, target, accepted + 3 * delay);
    pass(target, client, 0);
  }, delay);
});
process.stdin.on("end", () => process.exit()).resume();
server.listen(listen, () => console.log((server.address() as { port: number }).port));

function address(text = ""): { host: string; port: number } {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}
