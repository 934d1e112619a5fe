import type { IncomingHttpHeaders } from "node:http";

/**
 * Sends one request to the region: through a host's SSH tunnel (`Host.fetch` fits) or directly (`directTransport`). It
 * makes one attempt and follows no redirect; any status is an answer.
 *
 * @throws ExplainedError whose cause is the network's error if the connection failed or broke.
 */
export type MaasTransport = (url: string, request: TransportRequest) => Promise<TransportAnswer>;

export interface TransportRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly redirects: "refuse";
  /** Milliseconds without a single byte. */
  readonly timeoutMs: number;
  /** A longer answer is an error. */
  readonly maximumBytes: number;
}

export interface TransportAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}
