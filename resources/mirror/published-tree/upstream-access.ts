import { z } from "zod";
import type { ClientCertificate, FetchOptions } from "../../../hosts/host.ts";
import { sh } from "../../../hosts/shell.ts";

/** Credentials for HTTP's basic authentication (RFC 7617), or a bearer token (RFC 6750). */
type Credentials = UserAndPassword | { readonly token: string };

interface UserAndPassword {
  readonly username: string;
  readonly password: string;
}

/** How to reach upstream, in addition to its URL, for the preview's reads and the host's fetches. */
export interface UpstreamAccess {
  /** Sent only to the origin of upstream's URL. */
  readonly credentials?: Credentials | undefined;
  /** PEM texts of the authorities that are accepted for upstream's certificate, instead of the usual ones. */
  readonly ca?: string | undefined;
  readonly clientCertificate?: ClientCertificate | undefined;
  /** The proxy of the mirror's host. */
  readonly proxy?:
    | {
        readonly url: string;
        readonly credentials?: UserAndPassword | undefined;
        readonly ca?: string | undefined;
      }
    | undefined;
  /** Minimum bytes per second; a slower transfer is ended. @default 500 */
  readonly slowestBytesPerSecond?: number | undefined;
}

const defaultSlowestBytesPerSecond = 500;

/** An access in two parts, of which the state shows only one. Missing parts are absent. */
export function splitSecrets(access: UpstreamAccess): {
  readonly open: OpenAccess;
  readonly secrets: AccessSecrets | undefined;
} {
  const { credentials, ca, clientCertificate, proxy, slowestBytesPerSecond } = access;
  const known = credentials && "username" in credentials ? credentials : undefined;
  const secrets = given({
    password: known?.password,
    token: credentials && "token" in credentials ? credentials.token : undefined,
    clientKey: clientCertificate?.key,
    proxyPassword: proxy?.credentials?.password,
  });
  return {
    open: given({
      username: known?.username,
      ca,
      clientCertificate: clientCertificate?.certificate,
      proxy: proxy?.url,
      proxyUsername: proxy?.credentials?.username,
      proxyCa: proxy?.ca,
      slowestBytesPerSecond,
    }),
    secrets: Object.keys(secrets).length > 0 ? secrets : undefined,
  };
}

function given<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

/** For reads through the host's tunnel. */
export function fetchOptions(access: UpstreamAccess): FetchOptions {
  const { credentials, ca, clientCertificate, proxy, slowestBytesPerSecond } = access;
  return {
    ...(credentials ? { authorization: authorizationOf(credentials) } : {}),
    ...(ca ? { ca } : {}),
    ...(clientCertificate ? { clientCertificate } : {}),
    ...(proxy
      ? {
          proxy: {
            url: proxy.url,
            ...(proxy.credentials ? { authorization: authorizationOf(proxy.credentials) } : {}),
            ...(proxy.ca ? { ca: proxy.ca } : {}),
          },
        }
      : {}),
    slowestBytesPerSecond: slowestBytesPerSecond ?? defaultSlowestBytesPerSecond,
  };
}

function authorizationOf(credentials: Credentials): string {
  if ("token" in credentials) return `Bearer ${credentials.token}`;
  const { username, password } = credentials;
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Settings of curl.sh that may be in a job's script. */
export function accessSettings(open: OpenAccess): string {
  return sh`SLOWEST=${open.slowestBytesPerSecond ?? defaultSlowestBytesPerSecond} PROXY=${open.proxy ?? ""}
UPSTREAM_CA=${open.ca ?? ""}
PROXY_CA=${open.proxyCa ?? ""}
CLIENT_CERTIFICATE=${open.clientCertificate ?? ""}`;
}

/** The secret settings of curl.sh, which are sent separately from the script, as sh; undefined if there are none. */
export function secretSettings(open: OpenAccess, secrets: AccessSecrets | undefined): string | undefined {
  if (!secrets) return undefined;
  const { password, token, proxyPassword, clientKey } = secrets;
  const lines = [
    ...(password === undefined ? [] : ["basic", option("user", `${open.username ?? ""}:${password}`)]),
    ...(token === undefined ? [] : [option("oauth2-bearer", token)]),
    ...(proxyPassword === undefined
      ? []
      : ["proxy-basic", option("proxy-user", `${open.proxyUsername ?? ""}:${proxyPassword}`)]),
  ];
  const known = password !== undefined || token !== undefined;
  return sh`ACCESS=${lines.join("\n")}
WHO=${known ? "known" : ""} PROXY_WHO=${proxyPassword === undefined ? "" : "known"}
CLIENT_KEY=${clientKey ?? ""}
`;
}

/** A line of curl's configuration (curl(1), --config). */
function option(name: string, value: string): string {
  return `${name} = "${value.replaceAll(/[\\"]/g, "\\$&")}"`;
}

/** The form of an access in the inputs of a content resource; its secrets are separate, in `secrets`. */
type OpenAccess = Omit<FetchSettings, "parallel" | "stallSeconds">;
type AccessSecrets = z.output<typeof secretsSchema>;

export const fetchSchema = z.strictObject({
  parallel: z.number(),
  stallSeconds: z.number(),
  username: z.string().optional(),
  ca: z.string().optional(),
  clientCertificate: z.string().optional(),
  proxy: z.string().optional(),
  proxyUsername: z.string().optional(),
  proxyCa: z.string().optional(),
  slowestBytesPerSecond: z.number().optional(),
});

export type FetchSettings = z.output<typeof fetchSchema>;

export const secretsSchema = z.strictObject({
  password: z.string().optional(),
  token: z.string().optional(),
  clientKey: z.string().optional(),
  proxyPassword: z.string().optional(),
});

/** Warnings about an access, shown in every preview. */
export function accessWarnings(url: string, { credentials }: UpstreamAccess): string[] {
  return credentials && url.startsWith("http:")
    ? [
        "upstream.credentials are sent over http without encryption: use upstream's https address if it has one",
      ]
    : [];
}
