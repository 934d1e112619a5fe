import type { Duplex } from "node:stream";

/** A channel with the few more methods that Node's HTTP client calls on a socket, which mean nothing here. */
export function asSocket(channel: Duplex): Duplex {
  const nothing = () => channel;
  channel.on("error", () => {});
  // Unlike a socket, a channel stays open for writing when the server has closed it: it would be used again, for nothing.
  channel.on("end", () => channel.destroy());
  return Object.assign(channel, {
    setKeepAlive: nothing,
    setNoDelay: nothing,
    setTimeout: nothing,
    ref: nothing,
    unref: nothing,
    destroySoon: () => channel.destroy(),
  });
}
