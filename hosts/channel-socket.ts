import type { Duplex } from "node:stream";

/** A channel with those methods that Node's HTTP client calls on a socket. They do nothing here. */
export function asSocket(channel: Duplex): Duplex {
  const nothing = () => channel;
  channel.on("error", () => {});
  // Unlike a socket, a channel stays open for writing when the server has closed it. The HTTP client would use it
  // again and fail.
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
