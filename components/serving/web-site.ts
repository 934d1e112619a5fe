import { digestOf } from "../../values/digest.ts";

/** How nginx on a host serves a mirror to clients. */
export interface Serve {
  /** TCP port. Default 80, or 443 with `tls`. */
  readonly port: number;
  /** URL path of the mirror, e.g. `/ubuntu`. */
  readonly path: string;
  /** Host names of the web server. Empty: any name. */
  readonly serverNames: readonly string[];
  /** Serve HTTPS with this certificate chain and key. */
  readonly tls?: { readonly certificate: string } | undefined;
}

export interface WebSite {
  /** Configuration files by path. */
  readonly files: Readonly<Record<string, { readonly content: string }>>;
  /** Path of the private key, if there is one. */
  readonly keyPath: string | undefined;
  /** The command that checks whether nginx accepts the files. */
  readonly checks: Readonly<Record<string, { readonly command: string; readonly ports: number[] }>>;
  /** The values of the host's web server that other resources must share: see `holds` of Files. */
  readonly holds: Readonly<Record<string, string>>;
  /** Debian's welcome page, which would answer every name on port 80 instead of the mirror. */
  readonly absent: readonly string[];
}

/**
 * The nginx configuration of one mirror. Mirrors with the same port and names share a server block, which is
 * identical for all of them. Each mirror adds its location in a separate file, named after the URL path. So two
 * mirrors with one path declare the same file, even if they are in different stacks.
 *
 * @param owner The mirror's owner. The same directory of two owners counts as different content.
 */
export function webSite(serve: Serve, root: string, owner: string): WebSite {
  const server = serverKey(serve);
  const tls = serve.tls && {
    certificate: `/etc/nginx/airgapped-maas/${server}.crt`,
    key: `/etc/nginx/airgapped-maas/${server}.key`,
  };
  const files: Record<string, { content: string }> = {
    [`/etc/nginx/conf.d/airgapped-maas-${server}.conf`]: { content: serverBlock(server, serve, tls) },
    [`/etc/nginx/airgapped-maas/${server}/${serve.path.replaceAll("/", "=") || "="}.conf`]: {
      content: location(serve.path, root),
    },
  };
  if (serve.tls && tls) files[tls.certificate] = { content: serve.tls.certificate };
  const welcomePage = serve.port === 80 && serve.serverNames.length === 0;
  return {
    files,
    keyPath: tls?.key,
    checks: { "nginx.service": { command: "nginx -t -q", ports: [serve.port] } },
    holds: held(serve, server, `${root} (${owner})`),
    absent: welcomePage ? ["/etc/nginx/sites-enabled/default"] : [],
  };
}

function held(serve: Serve, server: string, content: string): Record<string, string> {
  const names = namesOf(serve);
  const at = `port ${serve.port}${names.length > 0 ? ` (${names.join(", ")})` : ""}`;
  return {
    [`TCP port ${serve.port}`]: serve.tls ? "https" : "http",
    ...Object.fromEntries(names.map((name) => [`server name ${name} on port ${serve.port}`, server])),
    // One mirror inside another would hide a part of it.
    ...Object.fromEntries(above(serve.path).map((path) => [`URL path ${path} on ${at}`, "paths in it"])),
    [`URL path ${serve.path || "/"} on ${at}`]: content,
  };
}

/** The paths above a path: `/` and `/a` for `/a/b`. */
function above(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/") || "/");
}

/** Host names are case-insensitive. */
function namesOf({ serverNames }: Pick<Serve, "serverNames">): string[] {
  return [...new Set(serverNames.map((name) => name.toLowerCase()))].sort();
}

/** The name of a server block, which depends only on the port and the names. */
export function serverKey(serve: Pick<Serve, "port" | "serverNames">): string {
  const names = namesOf(serve);
  if (names.length === 0) return `${serve.port}-any`;
  const digest = digestOf(names.join(" ")).slice(0, 8);
  const [first = ""] = names;
  // A file name has at most 255 characters.
  const shown = first.slice(0, 200);
  return `${serve.port}-${shown}${names.length > 1 || first === "any" || shown !== first ? `-${digest}` : ""}`;
}

function serverBlock(
  server: string,
  serve: Serve,
  tls: { certificate: string; key: string } | undefined,
): string {
  const own = namesOf(serve);
  const any = own.length === 0;
  const listen = `${serve.port}${tls ? " ssl" : ""}${any ? " default_server" : ""}`;
  const address = `[::]:${listen}`;
  const names = any ? "_" : own.join(" ");
  const lines = [
    "# Written by airgapped-maas; changes made here are undone by the next update.",
    "server {",
    `    listen ${listen};`,
    `    listen ${address};`,
    `    server_name ${names};`,
    ...(tls ? [`    ssl_certificate ${tls.certificate};`, `    ssl_certificate_key ${tls.key};`] : []),
    "    root /var/empty;",
    "    server_tokens off;",
    `    include /etc/nginx/airgapped-maas/${server}/*.conf;`,
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

function location(path: string, root: string): string {
  return [
    "# Written by airgapped-maas; changes made here are undone by the next update.",
    `location ${path}/ {`,
    `    alias ${root}/;`,
    "    autoindex on;",
    "    autoindex_exact_size off;",
    "    # A new tree can come within the second of the old one: only the same file is not modified.",
    "    if_modified_since exact;",
    "    default_type application/octet-stream;",
    "}",
    "",
  ].join("\n");
}
