import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { ExplainedError } from "../errors/explained-error.ts";
import { shownAddress } from "../errors/shown-address.ts";
import { explainConnection } from "./connection-failures.ts";
import type { FetchOptions, FetchResult } from "./host.ts";
import { type Dial, ProxyAnswer } from "./http-proxy.ts";
import { TimeLimit } from "./time-limit.ts";
import { TransferFailure } from "./transfer-failure.ts";
import { TunnelAgents } from "./tunnel-agents.ts";
import { userAgent } from "./user-agent.ts";

const maximumRedirects = 5;
const requestsAtOnce = 8;
const defaultMaximumBytes = 64 * 1024 * 1024;
const defaultTimeoutMs = 30_000;
const defaultSlowest = 500;

/** HTTP(S) over TCP connections through a host. See Host.fetch. */
export class TunnelledHttp {
  readonly #host: string;
  readonly #agents: TunnelAgents;
  readonly #paceMs: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param paceMs Milliseconds over which the transfer rate is measured. */
  constructor(host: string, dial: Dial, paceMs = 30_000) {
    this.#host = host;
    this.#agents = new TunnelAgents(dial);
    this.#paceMs = paceMs;
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
    const { origin } = this.#parse(url, url);
    let current = url;
    for (let redirects = 0; ; redirects++) {
      // Credentials are only for the declared origin. A redirect may lead to any server.
      const { authorization: _, clientCertificate: __, ...open } = options;
      const given = this.#parse(current, url).origin === origin ? options : open;
      const result = await this.#answer(current, url, given);
      const location = result.headers.location;
      if (![301, 302, 303, 307, 308].includes(result.status) || !location || result.byProxy) return result;
      const shown = shownAddress(location, { ofServer: true });
      if (!isFollowed(options)) {
        throw new ExplainedError({
          ...this.#explanation(
            shownAddress(current),
            `the server redirects to ${shown}`,
            "Declare that address if it is correct. Redirects are not followed here.",
          ),
          isRedirect: true,
        });
      }
      if (redirects === maximumRedirects) {
        throw this.#error(
          url,
          `more than ${maximumRedirects} redirects, the last to ${shown}`,
          "Declare the final address.",
        );
      }
      const next = this.#parse(location, url, current);
      if (
        (options.authorization || options.clientCertificate) &&
        origin.startsWith("https:") &&
        next.protocol !== "https:"
      ) {
        throw this.#error(
          current,
          `the server redirects to ${shown}, from https to http`,
          "Declare an address that does not redirect to http: credentials are never used without encryption.",
        );
      }
      current = next.href;
    }
  }

  async #answer(url: string, asked: string, options: FetchOptions): Promise<FetchResult> {
    const answer = await this.#once(url, asked, options);
    if (options.method !== "HEAD" || ![400, 403, 405, 501].includes(answer.status) || answer.byProxy)
      return answer;
    const got = await this.#once(url, asked, { ...options, method: "GET" }, true);
    // The server sent only the first byte, or would have sent the whole file.
    return got.status === 206 || got.status === 416 ? { ...got, status: 200 } : got;
  }

  #once(url: string, asked: string, options: FetchOptions, headOnly = false): Promise<FetchResult> {
    const {
      method = "GET",
      maximumBytes = defaultMaximumBytes,
      timeoutMs = defaultTimeoutMs,
      slowestBytesPerSecond = defaultSlowest,
      headers,
      body,
      ca,
      authorization,
      clientCertificate,
      proxy,
    } = options;
    const target = this.#parse(url, asked);
    const secure = target.protocol === "https:";
    // An address from a server is shown without its query, which may contain secrets.
    const shown = shownAddress(url, { ofServer: url !== asked });
    const toProxy = proxy && !secure;
    let answered = false;
    return new Promise((resolve, reject) => {
      const end = () => {
        stall.end();
        pace?.end();
      };
      const fail = (error: ExplainedError) => {
        end();
        request.destroy();
        reject(error);
      };
      let pace: TimeLimit | undefined;
      const stall = new TimeLimit(timeoutMs, () =>
        fail(
          new TransferFailure(
            this.#explanation(
              shown,
              `nothing came for ${timeoutMs / 1000} s`,
              `Check that the server works and that ${this.#host} may reach it, then run this again.`,
            ),
            "stalled",
          ),
        ),
      );
      const request = (secure ? httpsRequest : httpRequest)(target, {
        method,
        // A request that changes something gets a new connection. The server may close a kept connection just when it
        // is reused, and then it is not known whether the request was carried out.
        agent:
          isReading(method) && !headOnly
            ? this.#agents.lasting(secure, proxy)
            : this.#agents.single(secure, proxy),
        ...(toProxy ? { path: `${target.origin}${target.pathname}${target.search}` } : {}),
        headers: {
          "accept-encoding": "identity",
          "user-agent": userAgent,
          ...(body ? { "content-length": body.length } : {}),
          ...(headOnly ? { range: "bytes=0-0" } : {}),
          ...headers,
          ...(authorization ? { authorization } : {}),
          ...(toProxy && proxy.authorization ? { "proxy-authorization": proxy.authorization } : {}),
        },
        ...(ca ? { ca } : {}),
        ...(clientCertificate && secure
          ? { cert: clientCertificate.certificate, key: clientCertificate.key }
          : {}),
      });
      const broken = (error: Error) => {
        if (error instanceof ProxyAnswer) {
          end();
          request.destroy();
          const { status, headers } = error;
          return resolve({ status, headers, body: Buffer.alloc(0), url: target.href, byProxy: true });
        }
        // The server may close a connection just when it is reused. A request that only reads is then sent again.
        if (!(isRepeatable(options) && request.reusedSocket && !answered)) {
          const { found, remedy, fault } = explainConnection(error, "it", this.#host);
          return fail(new TransferFailure(this.#explanation(shown, found, remedy, error), fault));
        }
        end();
        request.destroy();
        resolve(this.#once(url, asked, options, headOnly));
      };
      request.on("error", broken);
      request.on("response", (response: IncomingMessage) => {
        answered = true;
        let bytes = 0;
        const result = (read: Buffer): FetchResult => ({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: read,
          url: target.href,
          ...(proxy && response.statusCode === 407 ? { byProxy: true } : {}),
        });
        if (headOnly) {
          end();
          request.off("error", broken).on("error", () => {});
          request.destroy();
          return resolve(result(Buffer.alloc(0)));
        }
        const tooMuch = () =>
          fail(
            this.#error(
              url,
              `it is longer than the expected maximum of ${maximumBytes} bytes`,
              "Check what the server sends there.",
              shown,
            ),
          );
        stall.refresh();
        const announced = method === "HEAD" ? 0 : Number(response.headers["content-length"] ?? 0);
        if (announced > maximumBytes) return tooMuch();
        const windowMs = Math.max(timeoutMs, this.#paceMs);
        let before = 0;
        const measured = new TimeLimit(windowMs, () => {
          if (bytes - before < (slowestBytesPerSecond * windowMs) / 1000) return fail(tooSlow());
          before = bytes;
          measured.refresh();
        });
        pace = measured;
        const tooSlow = () =>
          new TransferFailure(
            this.#explanation(
              shown,
              `less than ${slowestBytesPerSecond} bytes a second came for ${windowMs / 1000} s (${bytes} bytes in all)`,
              `Check that the server works and that the network of ${this.#host} is not overloaded.`,
            ),
            "slow",
          );
        // With a content length, chunks are copied into one buffer as they arrive: a large answer is never in memory
        // twice.
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
          end();
          resolve(result(announced > 0 ? whole.subarray(0, bytes) : Buffer.concat(chunks)));
        });
      });
      request.end(body);
    });
  }

  #parse(text: string, asked: string, base?: string): URL {
    const url = URL.parse(text, base);
    if (url && /^https?:$/.test(url.protocol)) return url;
    throw this.#error(
      asked,
      `${shownAddress(text, { ofServer: text !== asked })} is not an http or https address`,
      "Correct the address.",
    );
  }

  #error(url: string, found: string, remedy: string, shown = shownAddress(url)): ExplainedError {
    return new ExplainedError(this.#explanation(shown, found, remedy));
  }

  #explanation(shown: string, found: string, remedy: string, cause?: unknown) {
    return { host: this.#host, step: `fetching ${shown} through the host`, found, remedy, cause };
  }
}

function isReading(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** A signed request (RFC 5849) contains a nonce that a server accepts once: the caller must sign again. */
function isRepeatable({ method = "GET", headers = {} }: FetchOptions): boolean {
  return isReading(method) && !Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
}

/** A signed request is only for the declared server. */
function isFollowed(options: FetchOptions): boolean {
  return isRepeatable(options) && (options.redirects ?? "follow") === "follow";
}
