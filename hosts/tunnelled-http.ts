import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { ExplainedError } from "../errors/explained-error.ts";
import type { FetchOptions, FetchResult } from "./host.ts";

const mostRedirects = 5;
const requestsAtOnce = 8;
const defaultMaximumBytes = 64 * 1024 * 1024;
const defaultTimeoutMs = 30_000;

type Dial = (host: string, port: number) => Promise<Duplex>;

/** HTTP(S) over TCP connections that a host makes for us. See Host.fetch. */
export class TunnelledHttp {
  readonly #host: string;
  readonly #dial: Dial;
  readonly #plain: HttpAgent;
  readonly #secure: HttpsAgent;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(host: string, dial: Dial) {
    this.#host = host;
    this.#dial = dial;
    const options = { keepAlive: true };
    this.#plain = tunnelling(new HttpAgent(options), dial, false);
    this.#secure = tunnelling(new HttpsAgent(options), dial, true);
  }

  async request(url: string, options: FetchOptions = {}): Promise<FetchResult> {
    // Counted here: Node's agent does not count connections that are still being made.
    if (this.#running === requestsAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await this.#follow(url, options);
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }

  async #follow(url: string, options: FetchOptions): Promise<FetchResult> {
    let current = url;
    for (let redirects = 0; ; redirects++) {
      const result = await this.#once(current, url, options);
      const location = result.headers.location;
      if (![301, 302, 303, 307, 308].includes(result.status) || !location) return result;
      if (!isFollowed(options)) {
        throw this.#error(
          current,
          `the server sends on to ${withoutPassword(location)}`,
          "Declare that address if it is the right one: a redirect is not followed here.",
        );
      }
      if (redirects === mostRedirects) {
        throw this.#error(
          url,
          `more than ${mostRedirects} redirects, the last to ${withoutPassword(location)}`,
          "Name the final address.",
        );
      }
      current = this.#parse(location, url, current).href;
    }
  }

  #once(url: string, asked: string, options: FetchOptions): Promise<FetchResult> {
    const {
      method = "GET",
      maximumBytes = defaultMaximumBytes,
      timeoutMs = defaultTimeoutMs,
      headers,
      body,
      ca,
    } = options;
    const target = this.#parse(url, asked);
    const secure = target.protocol === "https:";
    let answered = false;
    return new Promise((resolve, reject) => {
      const fail = (found: string, remedy: string, cause?: unknown) => {
        clearTimeout(stall);
        request.destroy();
        reject(this.#error(url, found, remedy, cause));
      };
      const stall = setTimeout(
        () =>
          fail(
            `nothing came for ${timeoutMs / 1000} s`,
            `See whether the server is well and ${this.#host} may reach it; then run this again.`,
          ),
        timeoutMs,
      );
      const request = (secure ? httpsRequest : httpRequest)(target, {
        method,
        agent: this.#agentFor(method, secure),
        headers: {
          "accept-encoding": "identity",
          ...(body ? { "content-length": body.length } : {}),
          ...headers,
        },
        ...(ca ? { ca } : {}),
      });
      const broken = (error: Error) => {
        // The server may close a connection just when it is used again; a request that only reads is sent anew then.
        if (!(isRepeatable(options) && request.reusedSocket && !answered)) {
          return fail(...explain(error, this.#host), error);
        }
        clearTimeout(stall);
        request.destroy();
        resolve(this.#once(url, asked, options));
      };
      request.on("error", broken);
      request.on("response", (response: IncomingMessage) => {
        answered = true;
        let bytes = 0;
        const tooMuch = () =>
          fail(
            `it is longer than the ${maximumBytes} bytes that were expected at most`,
            "See what the server sends there.",
          );
        stall.refresh();
        const announced = method === "HEAD" ? 0 : Number(response.headers["content-length"] ?? 0);
        if (announced > maximumBytes) return tooMuch();
        // What is announced goes to its place as it comes: two copies of a large answer are never there at once.
        const whole = Buffer.allocUnsafe(announced);
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => {
          stall.refresh();
          bytes += chunk.length;
          if (bytes > maximumBytes) return tooMuch();
          if (announced > 0) chunk.copy(whole, bytes - chunk.length);
          else chunks.push(chunk);
        });
        response.on("error", broken);
        response.on("end", () => {
          clearTimeout(stall);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: announced > 0 ? whole.subarray(0, bytes) : Buffer.concat(chunks),
            url: target.href,
          });
        });
      });
      request.end(body);
    });
  }

  /**
   * What changes something gets a connection of its own: one that is kept alive may be closed by the server
   * just when it is used again, and nobody could say whether the request was carried out.
   */
  #agentFor(method: string, secure: boolean): HttpAgent | HttpsAgent {
    if (isReading(method)) return secure ? this.#secure : this.#plain;
    return secure
      ? tunnelling(new HttpsAgent(), this.#dial, true)
      : tunnelling(new HttpAgent(), this.#dial, false);
  }

  #parse(text: string, asked: string, base?: string): URL {
    const url = URL.parse(text, base);
    if (url && /^https?:$/.test(url.protocol)) return url;
    throw this.#error(
      asked,
      `${withoutPassword(text)} is not an http or https address`,
      "Correct the address.",
    );
  }

  #error(url: string, found: string, remedy: string, cause?: unknown): ExplainedError {
    return new ExplainedError({
      host: this.#host,
      step: `fetching ${withoutPassword(url)} from there`,
      found,
      remedy,
      cause,
    });
  }
}

function isReading(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** What is signed (RFC 5849) holds a nonce, which a server takes but once: who signed it must sign anew. */
function isRepeatable({ method = "GET", headers = {} }: FetchOptions): boolean {
  return isReading(method) && !Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
}

/** What is signed is for the one server that was named. */
function isFollowed(options: FetchOptions): boolean {
  return isRepeatable(options) && (options.redirects ?? "follow") === "follow";
}

function explain(error: NodeJS.ErrnoException & { reason?: unknown }, host: string): [string, string] {
  if (error instanceof ExplainedError) return [error.explanation.found, error.explanation.remedy];
  if (error.reason === 1) {
    return [
      `the host does not allow tunnels (${error.message})`,
      "Set `AllowTcpForwarding yes` (or `local`) for this user in the host's sshd_config.",
    ];
  }
  // An SSH server gives its reason as a number (RFC 4254, 5.1); TLS gives one in words.
  if (typeof error.reason === "number") {
    return [
      `the host cannot connect to it (${error.message})`,
      `See on ${host} whether the name resolves there and the server listens, e.g. with \`curl -I\`.`,
    ];
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/.test(error.code ?? "")) {
    return [
      `its certificate is not accepted (${error.message})`,
      "Add the authority that signed it with NODE_EXTRA_CA_CERTS, or correct the certificate.",
    ];
  }
  return [`the connection broke (${error.message})`, "See whether the server is well; then run this again."];
}

function withoutPassword(url: string): string {
  const parsed = URL.parse(url);
  if (parsed?.username || parsed?.password) {
    return Object.assign(parsed, { username: "", password: "" }).href;
  }
  if (parsed) return url;
  // Odd characters in a password are what makes an address none, and then nobody knows where it ends.
  if (/^[a-z][a-z0-9+.-]*:/i.test(url)) return url.replace(/^.*@/s, "...@");
  return url.replace(/^\/\/[^/?#\\]*@/, "//");
}

/** Makes an agent connect through the host. */
function tunnelling<A extends HttpAgent | HttpsAgent>(agent: A, dial: Dial, secure: boolean): A {
  type Options = { host: string; port: number | string; servername?: string };
  type Done = (error: Error | null, socket?: Duplex) => void;
  const createConnection = (options: Options, done: Done): undefined => {
    dial(options.host, Number(options.port)).then((channel) => {
      if (!secure) return done(null, asSocket(channel));
      // `host` is what the certificate is checked against where an address has no servername.
      const tls = connectTls({ ...options, port: undefined, socket: channel } as object);
      // Errors before the handshake is over reach the request through the socket that it was given.
      done(null, tls);
    }, done);
  };
  return Object.assign(agent, { createConnection });
}

/** A channel with the few more methods that Node's HTTP client calls on a socket, which mean nothing here. */
function asSocket(channel: Duplex): Duplex {
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
