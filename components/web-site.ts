import { createHash } from "node:crypto";

/** How a mirror is offered to clients by nginx on its host. */
export interface Serve {
  /** TCP port. Default 80, or 443 with `tls`. */
  readonly port: number;
  /** Path below which the mirror is found, e.g. `/ubuntu`. */
  readonly path: string;
  /** Host names it answers to. Empty: whatever name it is asked by. */
  readonly serverNames: readonly string[];
  /** Serve HTTPS with this certificate chain and key. */
  readonly tls?: { readonly certificate: string } | undefined;
}

export interface WebSite {
  /** Configuration files by path. */
  readonly files: Readonly<Record<string, { readonly content: string }>>;
  /** Where the private key has to be, if there is one. */
  readonly keyPath: string | undefined;
  /** Debian's welcome page answers every name on port 80 and would stand in the way. */
  readonly absent: readonly string[];
}

/**
 * The nginx configuration of one mirror. Mirrors with the same port and names share a server block,
 * byte for byte the same whoever writes it; each adds its location to it.
 */
export function webSite(mirror: string, serve: Serve, root: string): WebSite {
  const server = serverKey(serve);
  const tls = serve.tls && {
    certificate: `/etc/nginx/airgapped-maas/${server}.crt`,
    key: `/etc/nginx/airgapped-maas/${server}.key`,
  };
  const files: Record<string, { content: string }> = {
    [`/etc/nginx/conf.d/airgapped-maas-${server}.conf`]: { content: serverBlock(server, serve, tls) },
    [`/etc/nginx/airgapped-maas/${server}/${mirror}.conf`]: { content: location(serve.path, root) },
  };
  if (serve.tls && tls) files[tls.certificate] = { content: serve.tls.certificate };
  const welcomePage = serve.port === 80 && serve.serverNames.length === 0;
  return { files, keyPath: tls?.key, absent: welcomePage ? ["/etc/nginx/sites-enabled/default"] : [] };
}

/** One name for everything that listens alike. */
export function serverKey(serve: Pick<Serve, "port" | "serverNames">): string {
  const names = [...serve.serverNames].sort();
  if (names.length === 0) return `${serve.port}-any`;
  const digest = createHash("sha256").update(names.join(" ")).digest("hex").slice(0, 8);
  return `${serve.port}-${names[0]}${names.length > 1 ? `-${digest}` : ""}`;
}

function serverBlock(
  server: string,
  serve: Serve,
  tls: { certificate: string; key: string } | undefined,
): string {
  const any = serve.serverNames.length === 0;
  const listen = `${serve.port}${tls ? " ssl" : ""}${any ? " default_server" : ""}`;
  const address = `[::]:${listen}`;
  const names = any ? "_" : [...serve.serverNames].sort().join(" ");
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
