import { setTimeout as pause } from "node:timers/promises";
import { ExplainedError } from "../errors/explained-error.ts";
import type { ApiKey } from "./api-key.ts";
import { isBrokenConnection } from "./broken-connection.ts";
import { durationText, secondsAhead } from "./clock.ts";
import { authorization } from "./oauth.ts";
import { pageError, refusal } from "./refusal.ts";
import { encoded, type MaasBody } from "./request-body.ts";
import type { MaasTransport, TransportAnswer, TransportRequest } from "./transport.ts";
import { isPage, isUnavailable } from "./unavailable.ts";

export interface MaasConnection {
  /** URL of MAAS, with its path: `http://localhost:5240/MAAS`. */
  readonly url: string;
  readonly key: ApiKey;
  readonly transport: MaasTransport;
  /** The region's name in errors. */
  readonly host?: string;
  /** Receives warnings about requests that succeeded, each once. */
  readonly warn?: (line: string) => void;
  /**
   * Milliseconds between the attempts of a read. @default 0.5, 1, 2, 4, 8 and 15 s, enough for a restart of the region
   */
  readonly retryPauses?: readonly number[];
  /** Local time in milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** The purpose and the parameters of a request. */
interface MaasCall {
  /** As a gerund phrase, for errors: "reading the boot sources of MAAS". */
  readonly step: string;
  /** Parameters of the query: `{ op: "get_config", name: "http_proxy" }`. */
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: MaasBody;
  /** Milliseconds without a byte. A busy region may take more than 30 s to answer. @default 180000 */
  readonly timeoutMs?: number;
}

/** The part of a client that changes nothing. */
export interface MaasReader {
  get(path: string, call: MaasCall): Promise<unknown>;
}

const defaultRetryPauses = [500, 1000, 2000, 4000, 8000, 15_000];
const defaultTimeoutMs = 180_000;
const maximumBytes = 64 * 1024 * 1024;

/**
 * A client of MAAS's API 2.0 for one region. It sends one request at a time: 3.7.0 and 3.7.1 mix up concurrent answers
 * (LP 2142861), and more would only slow down a busy region. Answers are JSON values, or texts where MAAS sends texts.
 *
 * Every failure is an ExplainedError; a refusal by MAAS is a MaasRefusal. Only reads are retried: when the connection
 * broke, an answer is cut off, or a proxy reports that MAAS is not available (429, 502, 503, 504, with any body). The
 * body of a 401 is never shown: MAAS writes the correct secret into it.
 */
export class MaasClient implements MaasReader {
  /** The number of requests sent, including retries. */
  requests = 0;
  readonly #connection: MaasConnection;
  readonly #base: string;
  readonly #pauses: readonly number[];
  #last: Promise<unknown> = Promise.resolve();
  #clockAhead = 0;
  #isUnavailable = false;
  #shared: Map<string, Promise<unknown>> | undefined;
  #sharing = 0;

  constructor(connection: MaasConnection) {
    this.#connection = connection;
    this.#base = `${connection.url.replace(/\/*$/, "")}/api/2.0/`;
    this.#pauses = connection.retryPauses ?? defaultRetryPauses;
  }

  /**
   * @param path Below `api/2.0/`, e.g. `boot-sources/1/selections/`. MAAS requires a trailing slash; it is added if
   * missing.
   */
  get(path: string, call: MaasCall): Promise<unknown> {
    return this.#inTurn("GET", path, call);
  }

  post(path: string, call: MaasCall): Promise<unknown> {
    return this.#changing("POST", path, call);
  }

  put(path: string, call: MaasCall): Promise<unknown> {
    return this.#changing("PUT", path, call);
  }

  delete(path: string, call: MaasCall): Promise<unknown> {
    return this.#changing("DELETE", path, call);
  }

  /**
   * Calls `work` with a reader whose answers are shared by all such calls at the same time: several resources that
   * read the same from one region cause one request. A change discards earlier answers.
   */
  async sharing<T>(work: (reader: MaasReader) => Promise<T>): Promise<T> {
    this.#sharing++;
    try {
      return await work({ get: (path, call) => this.#sharedGet(path, call) });
    } finally {
      this.#sharing--;
      if (this.#sharing === 0) this.#shared = undefined;
    }
  }

  #sharedGet(path: string, call: MaasCall): Promise<unknown> {
    this.#shared ??= new Map();
    const url = this.#urlOf(path, call);
    const known = this.#shared.get(url);
    if (known) return known;
    const asked = this.get(path, call);
    this.#shared.set(url, asked);
    return asked;
  }

  async #changing(method: TransportRequest["method"], path: string, call: MaasCall): Promise<unknown> {
    try {
      return await this.#inTurn(method, path, call);
    } finally {
      this.#shared = undefined;
    }
  }

  #inTurn(method: TransportRequest["method"], path: string, call: MaasCall): Promise<unknown> {
    const turn = this.#last.then(() => this.#answer(method, path, call));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #answer(method: TransportRequest["method"], path: string, call: MaasCall): Promise<unknown> {
    const url = this.#urlOf(path, call);
    const { status, headers, body } = await this.#withRetries(method, url, call);
    const type = headers["content-type"] ?? "";
    const text = body.toString("utf8");
    const asked = { step: call.step, method, url, host: this.#connection.host };
    if (status >= 400) {
      throw refusal(asked, { status, type, body: text, authenticate: headers["www-authenticate"] });
    }
    if (isPage(type, text)) throw pageError(asked, status);
    if (!type.includes("json")) return text;
    try {
      return JSON.parse(text);
    } catch (cause) {
      const done = method === "GET" ? "" : "MAAS has carried it out, but ";
      const found = `${done}the answer is cut off or not JSON (${body.length} bytes)`;
      throw this.#failure(call, url, found, again, cause);
    }
  }

  /** The first answer that does not mean that the region is unavailable, or the last answer. */
  async #withRetries(
    method: TransportRequest["method"],
    url: string,
    call: MaasCall,
  ): Promise<TransportAnswer> {
    // After one request has used all its retries, the waiting requests are sent only once.
    const pauses = method === "GET" && !this.#isUnavailable ? this.#pauses : [];
    for (const wait of [...pauses, undefined]) {
      const answer = await this.#withMaasTime(method, url, call).catch((error: unknown) => {
        if (wait === undefined || !isBrokenConnection(error)) {
          this.#isUnavailable = isBrokenConnection(error);
          throw this.#transportError(error, method, url, call);
        }
      });
      if (answer && (wait === undefined || !isPassing(answer))) {
        this.#isUnavailable = isUnavailable(answer.status);
        return answer;
      }
      await pause(wait);
    }
    throw new Error("unreachable: the loop returns or throws");
  }

  /** If the timestamp is refused, sends the request again with MAAS's time. A refused request was not carried out. */
  async #withMaasTime(
    method: TransportRequest["method"],
    url: string,
    call: MaasCall,
  ): Promise<TransportAnswer> {
    const sentAt = this.#seconds();
    const answer = await this.#once(method, url, call);
    if (answer.status !== 401) return answer;
    const ahead = secondsAhead(answer.body.toString("utf8"), answer.headers.date, sentAt);
    if (ahead === undefined) return answer;
    this.#clockAhead += ahead;
    const theirs = new Date(this.#seconds() * 1000).toISOString();
    const ours = new Date((this.#seconds() - this.#clockAhead) * 1000).toISOString();
    this.#connection.warn?.(
      `MAAS's clock is ${durationText(this.#clockAhead)} ahead of this machine's (${theirs} there, ${ours} here). Requests are signed with MAAS's time. Set the clock that is wrong.`,
    );
    return await this.#once(method, url, call);
  }

  async #once(method: TransportRequest["method"], url: string, call: MaasCall): Promise<TransportAnswer> {
    const { transport, key } = this.#connection;
    const body = call.body && encoded(call.body);
    this.requests++;
    return await transport(url, {
      method,
      headers: {
        authorization: authorization(key, this.#seconds()),
        accept: "application/json",
        ...(body ? { "content-type": body.type } : {}),
      },
      ...(body ? { body: body.bytes } : {}),
      redirects: "refuse",
      timeoutMs: call.timeoutMs ?? defaultTimeoutMs,
      maximumBytes,
    });
  }

  #seconds(): number {
    return (this.#connection.now ?? Date.now)() / 1000 + this.#clockAhead;
  }

  #urlOf(path: string, { query }: MaasCall): string {
    const parameters = query ? `?${new URLSearchParams(query)}` : "";
    return `${this.#base}${path.replace(/\/*$/, "/")}${parameters}`;
  }

  /** The transport's error, with the step of the call. */
  #transportError(error: unknown, method: string, url: string, call: MaasCall): unknown {
    if (!(error instanceof ExplainedError)) return error;
    const { found, remedy, cause, isRedirect } = error.explanation;
    const uncertain = method === "GET" || isRedirect ? "" : "; whether MAAS carried it out is not known";
    const next = isRedirect
      ? "Declare that address in maas.url if MAAS is there. Redirects are not followed, and a login page cannot be passed."
      : remedy;
    return this.#failure(call, url, `${found}${uncertain}`, next, cause);
  }

  #failure(call: MaasCall, url: string, found: string, remedy: string, cause: unknown): ExplainedError {
    const { host } = this.#connection;
    return new ExplainedError({ host, step: call.step, found: `${url}: ${found}`, remedy, cause });
  }
}

const again = "Check whether MAAS or a proxy before it restarted, then run the update again.";

/** Whether a retry may give another answer. */
function isPassing({ status, headers, body }: TransportAnswer): boolean {
  if (isUnavailable(status)) return true;
  if (status >= 300 || !headers["content-type"]?.includes("json")) return false;
  try {
    JSON.parse(body.toString("utf8"));
    return false;
  } catch {
    return true;
  }
}
