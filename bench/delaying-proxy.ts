import { connect, createServer, type Socket } from "node:net";
import { parseArgs } from "node:util";

/*
 * A program: passes TCP connections on as a far-away server would answer them.
 *
 *   node bench/delaying-proxy.ts --listen 127.0.0.1:0 --to 10.77.0.20:22 --delay 25
 *
 * Every byte is held back by `delay` milliseconds in its direction, without a limit to how many are on their
 * way, so bandwidth is not limited; a connection's first bytes wait a round trip longer, as they would
 * for TCP's handshake. Prints the port it listens on. It is a process of its own so that what is measured
 * does not wait for its event loop; it ends with its standard input, so with whoever started it.
 */

const { values } = parseArgs({
  options: { listen: { type: "string" }, to: { type: "string" }, delay: { type: "string" } },
});
const listen = address(values.listen);
const to = address(values.to);
const delay = Number(values.delay);

/** Passes on what comes, each piece `delay` after it came but none before `notBefore`. */
function pass(from: Socket, into: Socket, notBefore: number): void {
  const later = (act: () => void) => {
    // Timers of the same moment fire in the order they were made, so pieces keep theirs.
    setTimeout(() => !into.destroyed && act(), Math.max(delay, notBefore - performance.now()));
  };
  from.on("data", (piece) => later(() => into.write(piece)));
  from.on("end", () => later(() => into.end()));
  from.on("error", () => into.destroy());
  from.on("close", () => later(() => into.destroy()));
}

const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
  const accepted = performance.now();
  // Read from when the server is there; until then what arrives waits in the socket.
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
