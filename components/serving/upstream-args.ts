import { createPrivateKey } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { splitSecrets, type UpstreamAccess } from "../../resources/mirror/published-tree/upstream-access.ts";
import { secretText, stoodInSecret } from "../../values/schema-marks.ts";
import type { CheckedArguments } from "../arguments/checked-arguments.ts";
import { derived } from "../arguments/late-values.ts";
import { certificatesIn } from "./pem-certificates.ts";

/* The arguments for access to upstream, which all mirrors share. */

const noSecret = "has characters that no HTTP header can carry (line ends, control characters)";

const username = z
  .string()
  .min(1, "is empty")
  .regex(/^[^:\x00-\x1f\x7f]+$/, "is not a user's name: it may have neither a colon nor control characters");

const password = secretText(
  z
    .string()
    .min(1, "is empty")
    .regex(/^[^\x00-\x1f\x7f]+$/, noSecret),
);

const token = secretText(
  z
    .string()
    .regex(/^[A-Za-z0-9._~+/-]+=*$/, "is not a bearer token (RFC 6750): letters, digits and ._~+/- alone"),
);

const userAndPassword = z
  .strictObject({
    username: username.describe("User name for HTTP basic authentication."),
    password: password.describe("Password for HTTP basic authentication."),
  })
  .meta({ holdsSecret: true });

const credentials = z
  .strictObject({
    username: username
      .optional()
      .describe(
        "User name for HTTP basic authentication, together with password. For Ubuntu Pro (ESM) it is bearer.",
      ),
    password: password
      .optional()
      .describe(
        "Password for HTTP basic authentication. For Ubuntu Pro (ESM) it is the token of the service.",
      ),
    token: token.optional().describe("Token for Authorization: Bearer, instead of username and password."),
  })
  .meta({ holdsSecret: true })
  .transform(({ username: name, password: word, token: bearer }, context) => {
    if (bearer !== undefined && name === undefined && word === undefined) return { token: bearer };
    if (bearer === undefined && name !== undefined && word !== undefined)
      return { username: name, password: word };
    context.addIssue({ code: "custom", message: "needs username and password, or token alone" });
    return z.NEVER;
  });

const certificates = z
  .string()
  .superRefine((text, context) => {
    const refuse = (message: string) => context.addIssue({ code: "custom", message });
    if (text.includes("PRIVATE KEY"))
      return refuse("has a private key in it: certificates alone belong here");
    const read = certificatesIn(text);
    if (read.damaged) refuse(`has no certificate in its block ${read.damaged}: it is cut off or was changed`);
    else if (read.certificates.length === 0)
      refuse("is not a certificate in PEM form (-----BEGIN CERTIFICATE-----)");
  })
  .meta({ typeText: "PEM text" });

const clientCertificate = z
  .strictObject({
    certificate: certificates.describe("PEM text of the certificate, with its chain."),
    key: secretText(z.string().min(1)).meta({
      description: "PEM text of its private key, without a passphrase.",
      typeText: "PEM text",
    }),
  })
  .superRefine(({ certificate, key }, context) => {
    const refuse = (message: string) => context.addIssue({ code: "custom", path: ["key"], message });
    const [first] = certificatesIn(certificate).certificates;
    if (key === stoodInSecret || !first) return;
    let fits: boolean;
    try {
      fits = first.checkPrivateKey(createPrivateKey(key));
    } catch (error) {
      return refuse(
        (error as NodeJS.ErrnoException).code === "ERR_MISSING_PASSPHRASE" || key.includes("ENCRYPTED")
          ? "is encrypted with a passphrase, for which no program can ask: give the key without one"
          : "is not a private key in PEM form",
      );
    }
    if (!fits) refuse("is not the key of the certificate (the first one, where there are several)");
  })
  .meta({ holdsSecret: true });

const proxyUrl = z
  .string()
  .regex(
    /^https?:\/\/[A-Za-z0-9._~:[\]-]+\/?$/,
    "is not the URL of an http or https proxy, such as http://proxy.example:3128; credentials go into upstream.proxy.credentials",
  )
  .refine((url) => URL.canParse(url), "is not a URL: credentials go into upstream.proxy.credentials")
  .transform((url) => url.replace(/\/$/, ""));

const proxy = z.strictObject({
  url: proxyUrl.meta({
    description: "URL of the proxy: http:// or https:// with host and port.",
    typeText: "http or https URL",
    examples: ["http://proxy.example:3128"],
  }),
  credentials: userAndPassword.optional().describe("Credentials for the proxy."),
  ca: certificates.optional().meta({
    description: "Authorities that sign the certificate of an https proxy.",
    defaultText: "those that workstation and host trust",
  }),
});

/** The key that must have signed upstream's content. */
export function upstreamKeySchema(defaultText: string) {
  return z.string().min(1).optional().meta({
    description:
      "Key that must have signed the content: the full fingerprint of a primary key (looked up among the built-in keys and the workstation's keyrings), an armored public key, or the path of a keyring file, relative to the project. Short key ids are refused.",
    defaultText,
  });
}

/** How upstream is read: parallel transfers, time limits, credentials, certificates and a proxy. */
export function transferSchema(parallel: number) {
  return {
    stallSeconds: z
      .int()
      .min(1)
      .max(3600)
      .default(30)
      .describe("Seconds without data after which a transfer is stopped."),
    parallel: z
      .int()
      .min(1)
      .max(256)
      .default(parallel)
      .describe("Number of parallel transfers. Reduce it if upstream or a proxy limits connections."),
    slowestBytesPerSecond: z.int().min(1).max(1_000_000_000).optional().meta({
      description:
        "Lowest average speed of a transfer in bytes per second, measured over stallSeconds (at least 30). Slower transfers are stopped.",
      defaultText: "500",
      see: "upstream-access.md#retries-and-time-limits",
    }),
    credentials: credentials.optional().meta({
      description:
        "Credentials for upstream. They are sent only to the origin of url, not to the target of a redirect.",
      see: "upstream-access.md#credentials",
    }),
    ca: certificates.optional().meta({
      description: "Authorities that may sign upstream's certificate, instead of the usual ones.",
      defaultText: "those that workstation and host trust",
    }),
    clientCertificate: clientCertificate.optional().meta({
      description: "Client certificate for an https upstream.",
      see: "upstream-access.md#client-certificates-and-authorities",
    }),
    proxy: proxy.optional().meta({
      description: "HTTP proxy of the mirror's host.",
      see: "upstream-access.md#a-proxy",
    }),
  };
}

/** A rule for the whole upstream: a client certificate requires https. */
export const certificateShown: [
  (upstream: { readonly url: string; readonly clientCertificate?: unknown }) => boolean,
  { path: string[]; error: string },
] = [
  ({ url, clientCertificate: own }) => !(own && url.startsWith("http:")),
  { path: ["clientCertificate"], error: "is never used: upstream.url is not https" },
];

/** The inputs of a content resource for fetching from upstream: `fetch`, and `secrets` if there are any. */
export function fetchInputs(
  args: CheckedArguments<{
    readonly upstream: UpstreamAccess & { readonly parallel: number; readonly stallSeconds: number };
  }>,
) {
  const secrets = Object.entries({
    password: args.secret("upstream.credentials.password"),
    token: args.secret("upstream.credentials.token"),
    clientKey: args.secret("upstream.clientCertificate.key"),
    proxyPassword: args.secret("upstream.proxy.credentials.password"),
  }).filter(([, secret]) => secret !== undefined);
  return {
    fetch: derived(args.own.upstream, ({ parallel, stallSeconds, ...access }) => ({
      parallel,
      stallSeconds,
      ...splitSecrets(access).open,
    })),
    ...(secrets.length > 0
      ? { secrets: Object.fromEntries(secrets) as Record<string, pulumi.Output<string>> }
      : {}),
  };
}
