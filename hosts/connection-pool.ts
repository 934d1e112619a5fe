import { setTimeout as pause } from "node:timers/promises";
import type { ClientChannel } from "ssh2";
import { ExplainedError } from "../errors/explained-error.ts";
import {
  Connection,
  isWorthRetrying,
  type RoundTrips,
  type Session,
  sessionsPerConnection,
} from "./connection.ts";
import { defaultConnectTimeoutSeconds, type Jump, resolveDestination } from "./destination.ts";
import { Unreachable } from "./unreachable.ts";

/** Handshakes with one host at the same time. sshd rejects connections from 10 on (MaxStartups). */
const handshakesPerHost = 4;
/**
 * Milliseconds that a command waits for a free session before another connection is made for it, unless the connections
 * that are being made have enough sessions.
 */
const sessionWaitMs = 250;
/** Milliseconds until another connection is tried after one has failed, while commands run on others. */
const pauseAfterFailureMs = 5000;
const connectAttempts = 4;

const pools = new Map<string, HostConnections>();

/** Round trips to each host since the process started, by the host's name. */
export const roundTrips = new Map<string, RoundTrips>();

/** The connections to a host, through the jump hosts in `via`. */
export function connectionsTo(jump: Jump, via: readonly Jump[] = []): HostConnections {
  const key = JSON.stringify([jump, via]);
  let pool = pools.get(key);
  if (!pool) {
    pool = new HostConnections(jump, via);
    pools.set(key, pool);
  }
  return pool;
}

/** Closes all connections of all hosts. */
export function closePools(): void {
  for (const pool of pools.values()) pool.close();
  pools.clear();
}

/** All connections to one host. */
export class HostConnections {
  readonly #target: Jump;
  readonly #via: readonly Jump[];
  readonly #counts: RoundTrips;
  readonly #waiting: Waiting[] = [];
  #connections: Connection[] = [];
  #connecting = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(target: Jump, via: readonly Jump[]) {
    this.#target = target;
    this.#via = via;
    this.#counts = roundTrips.get(target.name) ?? { handshakes: 0, channels: 0, tunnels: 0 };
    roundTrips.set(target.name, this.#counts);
  }

  /** The login user. */
  async user(): Promise<string> {
    return (await this.#destination()).user;
  }

  /** Milliseconds that a login shell may take to start the script. */
  async startTimeoutMs(): Promise<number> {
    const { connectTimeoutSeconds } = await this.#destination();
    return 3000 * (connectTimeoutSeconds ?? defaultConnectTimeoutSeconds);
  }

  /** A session. Requests are served in order. */
  session(): Promise<Session> {
    return new Promise((resolve, reject) => {
      // Again and again, because a connection that was being made may fail.
      const timer = setInterval(() => this.#grow(), sessionWaitMs);
      this.#waiting.push({
        take: (connection) => {
          clearInterval(timer);
          resolve(connection.takeSession());
        },
        fail: (error) => {
          clearInterval(timer);
          reject(error);
        },
      });
      this.#serve();
    });
  }

  /** Any open connection, or a new one. For tunnels, which sshd does not limit. */
  async connection(): Promise<Connection> {
    const open = this.#connections.find((connection) => connection.isOpen);
    if (open) return open;
    const session = await new Promise<Connection>((resolve, reject) => {
      this.#waiting.push({ take: resolve, fail: reject });
      this.#serve();
    });
    return session;
  }

  async forward(host: string, port: number): Promise<ClientChannel> {
    const connection = await this.connection();
    return connection.forward(host, port);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections) connection.close();
    this.#serve();
  }

  #serve(): void {
    if (this.#closed) {
      this.#fail(new Error("all connections were closed"));
      return;
    }
    this.#connections = this.#connections.filter((connection) => connection.isOpen);
    while (this.#waiting.length > 0) {
      const free = this.#connections.find((connection) => connection.hasFreeSession);
      if (!free) break;
      this.#waiting.shift()?.take(free);
    }
    if (this.#waiting.length > 0 && this.#connections.length === 0 && this.#connecting === 0) this.#grow();
  }

  #grow(): void {
    if (this.#closed || this.#connecting >= handshakesPerHost) return;
    if (this.#connections.length > 0 && performance.now() - this.#failedAt < pauseAfterFailureMs) return;
    // A slow handshake is not a reason for another one.
    if (this.#waiting.length <= this.#connecting * sessionsPerConnection) return;
    this.#connecting++;
    this.#connect()
      .then(
        (connection) => this.#connections.push(connection),
        (error) => {
          this.#failedAt = performance.now();
          if (this.#connections.length === 0) this.#fail(error);
        },
      )
      .finally(() => {
        this.#connecting--;
        this.#serve();
      });
  }

  #fail(error: unknown): void {
    for (const waiting of this.#waiting.splice(0)) waiting.fail(error);
  }

  async #connect(): Promise<Connection> {
    for (let tries = 1; ; tries++) {
      try {
        const destination = await this.#destination();
        const via = this.#via.length > 0 ? this.#via : destination.jumps;
        const last = via.at(-1);
        const hop = last && (await connectionsTo(last, via.slice(0, -1)).connection());
        return await Connection.open(destination, hop, this.#counts, () => this.#serve());
      } catch (error) {
        if (this.#closed || tries === connectAttempts || !isWorthRetrying(error)) throw this.#explain(error);
        await pause(2 ** tries * (50 + Math.random() * 100));
      }
    }
  }

  #destination() {
    const { name, ...over } = this.#target;
    return resolveDestination(name, over);
  }

  #explain(error: unknown): ExplainedError {
    if (error instanceof ExplainedError) return error;
    return new Unreachable({
      host: this.#target.name,
      step: "connecting",
      found: `the connection broke before it was usable (${(error as Error).message})`,
      remedy: "See the SSH server's log on the host. MaxStartups or a firewall may reject connections.",
      cause: error,
    });
  }
}

interface Waiting {
  take(connection: Connection): void;
  fail(error: unknown): void;
}
