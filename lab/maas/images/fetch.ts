import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

/** How the region reaches mirrors. */
export interface Route {
  /** The proxy, or undefined for none. */
  readonly proxy: string | undefined;
  /** Hosts that are reached without the proxy. */
  readonly direct: readonly string[];
}

/** A failed fetch. In MAAS it is Python's `OSError`. */
export class FetchError extends Error {}

export interface FetchOptions {
  readonly route: Route;
  /** Whether the certificate of a TLS server must be trusted by the host. Default: true. */
  readonly verify?: boolean;
  readonly signal?: AbortSignal;
}

/** Opens a URL and follows up to five redirects. Throws a FetchError for any status but 200. */
export async function open(url: string, options: FetchOptions, redirects = 5): Promise<IncomingMessage> {
  const response = await answerOf(url, options);
  const { statusCode = 0, headers } = response;
  if (statusCode === 200) return response;
  response.resume();
  if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined && redirects > 0) {
    return open(new URL(headers.location, url).href, options, redirects - 1);
  }
  if (statusCode === 404) throw new FetchError(`[Errno 2] Unable to open ${url}. mirrors=[]`);
  throw new FetchError(`${statusCode} Server Error: ${response.statusMessage} for url: ${url}`);
}

/** Fetches a whole document. */
export async function fetchText(url: string, options: FetchOptions): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of await open(url, options)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function answerOf(url: string, { route, verify = true, signal }: FetchOptions): Promise<IncomingMessage> {
  const secure = url.startsWith("https:");
  const { proxy, direct } = route;
  const proxyEnv =
    proxy === undefined ? {} : { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: direct.join(",") };
  return new Promise((resolve, reject) => {
    const failed = (error: Error) =>
      reject(new FetchError(`HTTPConnectionPool: Max retries exceeded with url: ${url} (${error.message})`));
    try {
      const agent = secure
        ? new HttpsAgent({ proxyEnv, rejectUnauthorized: verify })
        : new HttpAgent({ proxyEnv });
      const open = secure ? httpsRequest : httpRequest;
      const options = { agent, headers: { "User-Agent": "python-simplestreams/0.1 maas" } };
      open(url, { ...options, ...(signal === undefined ? {} : { signal }) }, resolve)
        .on("error", failed)
        .end();
    } catch (error) {
      failed(error as Error); // an address with an invalid scheme
    }
  });
}
