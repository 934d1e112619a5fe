import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { Client, ClientChannel } from "ssh2";
import { ExplainedError } from "../errors/explained-error.ts";
import { certify, forgetScan } from "./certificate-scan.ts";
import type { Destination } from "./destination.ts";
import { dial, explainDial } from "./dial.ts";
import { HostKeyRefused, noCertificateAccepted } from "./host-key-refusal.ts";
import { identitiesFor } from "./identities.ts";
import { type KnownKeys, keysFor, readKnownHosts } from "./known-hosts.ts";
import { logIn } from "./login.ts";
import { withoutRevoked } from "./revoked-host-keys.ts";

/**
 * Commands on one connection at the same time. sshd allows 10 by default, and counts a closed one for a while longer.
 */
export const sessionsPerConnection = 8;
const defaultKeepaliveSeconds = 15;

/** Round trips to a host, for tests and debugging. */
export interface RoundTrips {
  /** Connections made, successfully or not. */
  handshakes: number;
  /** Commands started. */
  channels: number;
  /** TCP connections through the host: fetches and hosts behind it. */
  tunnels: number;
}

/** One authenticated SSH connection, with a checked host key. */
export class Connection {
  readonly destination: Destination;
  readonly #client: Client;
  readonly #socket: Socket | Duplex;
  readonly #hop: Connection | undefined;
  readonly #counts: RoundTrips;
  #sessions = 0;
  #holds = 0;
  #closed: Error | undefined;
  #keepalive: NodeJS.Timeout | undefined;
  #unanswered = 0;
  readonly #onChange: () => void;

  private constructor(
    destination: Destination,
    client: Client,
    socket: Socket | Duplex,
    hop: Connection | undefined,
    counts: RoundTrips,
    onChange: () => void,
  ) {
    this.destination = destination;
    this.#client = client;
    this.#socket = socket;
    this.#hop = hop;
    this.#counts = counts;
    this.#onChange = onChange;
    // node-ssh removes its own listener once connected. An error event without a listener would end the process.
    client.on("error", (error) => this.#lost(error));
    client.on("close", () => this.#lost(new Error("the connection was closed")));
    this.#idle();
  }

  /**
   * @param hop The connection that this one goes through.
   * @param onChange Called when a session becomes free and when the connection is lost.
   */
  static async open(
    destination: Destination,
    hop: Connection | undefined,
    counts: RoundTrips,
    onChange: () => void,
  ): Promise<Connection> {
    counts.handshakes++;
    const reach = (): Promise<Socket | Duplex> =>
      hop
        ? hop.forward(destination.hostname, destination.port)
        : dial(destination.hostname, destination.port, destination.connectTimeoutSeconds);
    const dialOrExplain = () =>
      reach().catch((error) => {
        throw explainDial(destination, hop?.destination, error);
      });
    // The local files are read while the TCP connection is made.
    const [reached, hosts, identities] = await Promise.allSettled([
      dialOrExplain(),
      readKnownHosts(destination.knownHostsFiles),
      identitiesFor(destination),
    ]);
    if (reached.status === "rejected") throw reached.reason;
    let socket = reached.value;
    try {
      if (hosts.status === "rejected") throw hosts.reason;
      if (identities.status === "rejected") throw identities.reason;
      const { hostname, port, hostKeyAlias } = destination;
      const known = await withoutRevoked(destination, keysFor(hosts.value, hostname, port, hostKeyAlias));
      const logInWith = async (keys: KnownKeys) => {
        // A busy server closes the connection at once. A listener added later would not be called.
        if (socket.destroyed)
          throw Object.assign(new Error("the server closed the connection"), { code: "ECONNRESET" });
        const client = await logIn(destination, socket, keys, identities.value);
        return new Connection(destination, client, socket, hop, counts, onChange);
      };
      const certified = known.authorities.length > 0;
      let refused: HostKeyRefused | undefined;
      // As in ssh, a known key is accepted without a certificate. So most hosts need no scan.
      if (!certified || known.trusted.length > 0) {
        try {
          return await logInWith(known);
        } catch (error) {
          if (!certified || !(error instanceof HostKeyRefused) || !error.mayBeCertified) throw error;
          refused = error;
          socket.destroy();
          counts.handshakes++;
          socket = await dialOrExplain();
        }
      }
      const { keys, problems } = await certify(destination, known, hop && reach);
      if (keys.length === 0) throw noCertificateAccepted(destination, known, problems, refused);
      return await logInWith({ ...known, trusted: [...known.trusted, ...keys] });
    } catch (error) {
      if (error instanceof HostKeyRefused) forgetScan(destination);
      socket.destroy();
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  get hasFreeSession(): boolean {
    return this.isOpen && this.#sessions < sessionsPerConnection;
  }

  /** Keeps the process alive until the returned function is called. Otherwise a connection does not keep it alive. */
  hold(): () => void {
    if (this.#holds++ === 0) this.#active();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--this.#holds === 0) this.#idle();
    };
  }

  /** Reserves a session. The caller must call `exec` or `release`. */
  takeSession(): Session {
    this.#sessions++;
    const unhold = this.hold();
    let taken = true;
    const release = () => {
      if (!taken) return;
      taken = false;
      this.#sessions--;
      unhold();
      this.#onChange();
    };
    return { release, exec: (command) => this.#exec(command, release) };
  }

  async #exec(command: string, release: () => void): Promise<Started> {
    const attempt = () =>
      new Promise<Started>((resolve, reject) => {
        if (this.#closed) return reject(this.#closed);
        this.#counts.channels++;
        this.#client.exec(command, (error, channel) => (error ? reject(error) : resolve(watched(channel))));
      });
    try {
      const started = await retryOpening(attempt, () => this.isOpen);
      void started.closed.then(release);
      if (this.#closed) started.channel.destroy();
      return started;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** A TCP connection from the host to a target. The host resolves the name. */
  async forward(host: string, port: number): Promise<ClientChannel> {
    const unhold = this.hold();
    try {
      const channel = await new Promise<ClientChannel>((resolve, reject) => {
        if (this.#closed) return reject(this.#closed);
        this.#counts.tunnels++;
        this.#client.forwardOut("127.0.0.1", 0, host, port, (error, stream) =>
          error ? reject(error) : resolve(stream),
        );
      });
      return channel;
    } finally {
      unhold();
    }
  }

  close(): void {
    this.#client.end();
    this.#lost(new Error("the connection was closed by this process"));
    // Do not wait for the other side to acknowledge the close.
    this.#socket.destroy();
  }

  #lost(reason: Error): void {
    if (this.#closed) return;
    this.#closed = reason;
    clearInterval(this.#keepalive);
    this.#socket.destroy();
    this.#onChange();
  }

  #active(): void {
    this.#releaseHop ??= this.#hop?.hold();
    if ("ref" in this.#socket) this.#socket.ref();
    if (this.#closed) return;
    const { keepaliveSeconds, keepaliveCount } = this.destination;
    this.#unanswered = 0;
    this.#keepalive = setInterval(
      () => {
        if (this.#unanswered++ >= (keepaliveCount || 3))
          return this.#lost(new Error("no answer to keep-alives"));
        // ssh2's own keep-alive timer would keep an idle process running. Cancelling a forwarding that does not exist
        // has no effect, and the server's refusal serves as the answer.
        this.#client.unforwardIn("", 0, () => {
          this.#unanswered = 0;
        });
      },
      (keepaliveSeconds || defaultKeepaliveSeconds) * 1000,
    ).unref();
  }

  #releaseHop: (() => void) | undefined;

  #idle(): void {
    clearInterval(this.#keepalive);
    if ("unref" in this.#socket) this.#socket.unref();
    this.#releaseHop?.();
    this.#releaseHop = undefined;
  }
}

/** How a command ended: its exit status, or the signal that ended it. */
interface Exit {
  readonly code: number | null;
  readonly signalName: string | undefined;
}

/** A command that was started. */
export interface Started {
  readonly channel: ClientChannel;
  /** Never settles if the connection is lost first. */
  readonly exited: Promise<Exit>;
  readonly closed: Promise<void>;
}

/** A slot for one command on a connection. */
export interface Session {
  exec(command: string): Promise<Started>;
  release(): void;
}

/**
 * Must be called as soon as the channel is open: a login that ends at once emits its events before a later listener is
 * added.
 */
function watched(channel: ClientChannel): Started {
  return {
    channel,
    exited: new Promise((resolve) =>
      channel.once("exit", (code: number | null, signalName?: string) => resolve({ code, signalName })),
    ),
    closed: new Promise((resolve) => channel.once("close", () => resolve())),
  };
}

/** Whether a retry soon may succeed: the server was busy, or has just been started. */
export function isWorthRetrying(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  const cause =
    error instanceof ExplainedError ? (error.explanation.cause as NodeJS.ErrnoException) : undefined;
  return (
    ["ECONNRESET", "ECONNREFUSED", "EPIPE"].includes(code ?? cause?.code ?? "") ||
    (!(error instanceof ExplainedError) &&
      /before handshake|No response from server|ECONNRESET/.test(message))
  );
}

/** sshd frees a session a moment after it has ended, so a refusal may be due to a session that has already ended. */
async function retryOpening<T>(attempt: () => Promise<T>, isOpen: () => boolean): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      const refused = (error as { reason?: unknown }).reason !== undefined;
      if (!refused || tries === 6 || !isOpen()) throw error;
      await pause(tries * (25 + Math.random() * 75));
    }
  }
}
