import { request } from "node:https";
import { ExplainedError } from "../errors/explained-error.ts";
import type { MaasTransport, TransportAnswer, TransportRequest } from "./transport.ts";

interface DirectOptions {
  /** PEM texts of the accepted authorities. @default this machine's (`NODE_EXTRA_CA_CERTS` adds to them) */
  readonly ca?: string | undefined;
}

/**
 * Connects to MAAS directly from this machine. https only: with plain http the API key would be sent unencrypted.
 *
 * @throws ExplainedError for http, a redirect, a certificate that is not accepted, a connection that fails or stalls.
 */
export function directTransport(options: DirectOptions = {}): MaasTransport {
  return async (url, asked) => {
    if (!url.startsWith("https://")) {
      throw failure(
        url,
        "it is not https, and the API key must not be sent unencrypted",
        "Declare the https address of MAAS (`maas config-tls enable` gives it one), or remove maas.direct: requests then go through SSH.",
      );
    }
    const answer = await once(url, asked, options);
    if (answer.status < 300 || answer.status >= 400) return answer;
    const location = String(answer.headers.location ?? "nowhere").replace(/\/\/[^/@]*@/, "//");
    throw new ExplainedError({
      step: `requesting ${url}`,
      found: `the server redirects to ${location}`,
      remedy: "Declare that address if it is correct. Redirects are not followed here.",
      isRedirect: true,
    });
  };
}

function once(url: string, asked: TransportRequest, { ca }: DirectOptions): Promise<TransportAnswer> {
  const { method, headers, body, timeoutMs, maximumBytes } = asked;
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method,
      // A new connection for each attempt: if a kept one broke, it would not be known whether the request arrived.
      agent: false,
      headers: { ...headers, ...(body ? { "content-length": body.length } : {}) },
      timeout: timeoutMs,
      ...(ca ? { ca } : {}),
    });
    const fail = (found: string, remedy: string, cause?: unknown) => {
      sent.destroy();
      reject(failure(url, found, remedy, cause));
    };
    const broken = (error: NodeJS.ErrnoException) => fail(...explained(error), error);
    sent.on("timeout", () =>
      fail(`nothing came for ${timeoutMs / 1000} s`, "Check that MAAS works, then run this again."),
    );
    sent.on("error", broken);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("error", broken);
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maximumBytes) {
          return fail(
            `the answer is longer than ${maximumBytes} bytes`,
            "Check what the server sends there.",
          );
        }
        chunks.push(chunk);
      });
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
        }),
      );
    });
    sent.end(body);
  });
}

function explained(error: NodeJS.ErrnoException): [string, string] {
  if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/.test(error.code ?? "")) {
    return [
      `its certificate is not accepted (${error.message})`,
      "Declare the authority that signed it as maas.ca, and use in maas.url a name that the certificate contains.",
    ];
  }
  return [
    `the connection failed (${error.message})`,
    "Check that this machine may reach MAAS, e.g. with `curl -I`. Without maas.direct requests go through SSH.",
  ];
}

function failure(url: string, found: string, remedy: string, cause?: unknown): ExplainedError {
  return new ExplainedError({ step: `requesting ${url}`, found, remedy, cause });
}
