import { ExplainedError, type Explanation } from "../../../errors/explained-error.ts";
import type { FetchResult } from "../../../hosts/host.ts";
import type { TransferFailure } from "../../../hosts/transfer-failure.ts";
import type { UpstreamAccess } from "./upstream-access.ts";

type What = Pick<Explanation, "host" | "step">;

/** The error for an answer that is neither a success nor "not found", with what to do about it. */
export function refusalOf(
  what: What,
  { status, byProxy }: Pick<FetchResult, "status" | "byProxy">,
  { credentials, proxy }: UpstreamAccess,
  tries: number,
): ExplainedError {
  const explained = (found: string, remedy: string, values?: readonly string[]) =>
    new ExplainedError({ ...what, found, remedy, values });
  if (status === 407) {
    return proxy?.credentials
      ? explained(
          `the proxy ${proxy.url} does not accept the declared credentials (407)`,
          "Correct upstream.proxy.credentials.",
          ["upstream.proxy.credentials"],
        )
      : explained(
          `${proxy ? `the proxy ${proxy.url}` : "a proxy"} requires credentials (407)`,
          "Declare upstream.proxy with its credentials, the password as a secret.",
          ["upstream.proxy"],
        );
  }
  if (byProxy) {
    return explained(
      `the proxy ${proxy?.url} refuses to connect to it: it answered ${status}`,
      "Check that the proxy works and may reach upstream.",
      ["upstream.proxy", "upstream.url"],
    );
  }
  if (status === 401) {
    return credentials
      ? explained(
          "the server does not accept the declared credentials (401)",
          "Correct upstream.credentials; they may have expired.",
          ["upstream.credentials"],
        )
      : explained(
          "the server requires credentials (401)",
          "Declare upstream.credentials, the password or the token as a secret.",
          ["upstream.credentials"],
        );
  }
  const often = tries > 1 ? `, ${tries} times` : "";
  if (status === 511) {
    return explained(
      "the network requires a login first (511)",
      "Log the mirror's host in to its network, or declare the site's proxy as upstream.proxy.",
    );
  }
  return explained(
    `the server answered ${status}${often}`,
    "Try again when upstream works. The served content is not changed.",
  );
}

/** A 403 means that something is absent, or not allowed: with credentials the remedy must name both. */
export function absenceRemedy(status: number, { credentials }: UpstreamAccess, remedy: string): string {
  if (status !== 403) return remedy;
  return credentials
    ? `Check that upstream.credentials may read it. ${remedy}`
    : `${remedy} If it exists but is not public, declare upstream.credentials.`;
}

/** No file of an archive or a stream is a web page: another server answered. */
export function isWebPage({ body }: Pick<FetchResult, "body">): boolean {
  return /^(\xef\xbb\xbf)?\s*<(!doctype html|html[\s>])/i.test(body.toString("latin1", 0, 512));
}

export function webPage(what: What): ExplainedError {
  return new ExplainedError({
    ...what,
    found: "a web page came instead of the file: a login page of the network, or of a proxy",
    remedy:
      "Check with curl on that host what is served there. Log the host in to its network, declare upstream.proxy, or correct upstream.url.",
    values: ["upstream.url"],
  });
}

/** The error for a failed transfer, with the declared values that may solve it. */
export function explainedTransfer(
  failure: TransferFailure,
  access: UpstreamAccess,
  tries: number,
): ExplainedError {
  const { explanation, fault } = failure;
  const often = tries > 1 ? `, ${tries} times` : "";
  const explained = (remedy: string, values?: readonly string[]) =>
    new ExplainedError({ ...explanation, found: `${explanation.found}${often}`, remedy, values });
  if (fault === "certificate") {
    const which = explanation.found.startsWith("the certificate of the proxy") ? "proxy.ca" : "ca";
    return explained(
      `Declare the certificates of the authority that signed it as upstream.${which}, or correct the server's certificate.`,
      [`upstream.${which}`],
    );
  }
  if (fault === "tls") {
    return explained(
      "Check that the server uses https. If it requires a client certificate, declare an accepted one as upstream.clientCertificate.",
      access.clientCertificate ? ["upstream.clientCertificate"] : ["upstream.url"],
    );
  }
  if (fault === "slow") {
    return explained(`${explanation.remedy} On a slow network, reduce upstream.slowestBytesPerSecond.`, [
      "upstream.slowestBytesPerSecond",
    ]);
  }
  return explained(explanation.remedy);
}
