import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, request, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/* Servers on this machine that represent the Internet: web servers, plain and with TLS, and a proxy. */

const servers = new Set<Server>();

export async function closeServers(): Promise<void> {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  servers.clear();
}

async function portOf(server: Server): Promise<number> {
  servers.add(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

/** Address of a plain web server. */
export async function plainly(answer: RequestListener): Promise<string> {
  return `127.0.0.1:${await portOf(createServer(answer))}`;
}

/** PEM texts. */
interface Identity {
  readonly certificate: string;
  readonly key: string;
}

/** A self-signed certificate for only this name, e.g. `IP:127.0.0.1`. */
export function identity(name: string): Identity {
  const folder = mkdtempSync(join(tmpdir(), "airgapped-maas-test-"));
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test`;
    const files = ["-addext", `subjectAltName=${name}`, "-keyout", key, "-out", cert];
    execFileSync("openssl", [...words.split(" "), ...files], { stdio: "ignore" });
    return { certificate: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Port of a web server with TLS. With `clients`, it requires that client certificate. */
export async function securely(
  { certificate, key }: Identity,
  answer: RequestListener,
  clients?: string,
): Promise<number> {
  const only = clients ? { requestCert: true, rejectUnauthorized: true, ca: clients } : {};
  return portOf(createSecureServer({ key, cert: certificate, ...only }, answer));
}

/** A forward proxy: forwards absolute-form requests and CONNECT (RFC 9110, 9.3.6; RFC 9112, 3.2.2). */
interface SmallProxy {
  readonly url: string;
  /** The requests: `GET http://...` or `CONNECT host:port`. */
  readonly asked: string[];
}

interface ProxyOptions {
  /** The required value of `Proxy-Authorization`. Without it, the proxy answers 407. */
  readonly authorization?: string;
  readonly identity?: Identity;
}

export async function smallProxy({ authorization, identity: own }: ProxyOptions = {}): Promise<SmallProxy> {
  const asked: string[] = [];
  const refuses = ({ headers }: IncomingMessage) =>
    authorization !== undefined && headers["proxy-authorization"] !== authorization;
  const pass: RequestListener = (from, to) => {
    asked.push(`${from.method} ${from.url}`);
    if (refuses(from)) return void to.writeHead(407, { "proxy-authenticate": "Basic" }).end();
    const { "proxy-authorization": _, ...headers } = from.headers;
    const onward = request(from.url ?? "", { method: from.method ?? "GET", headers }, (answer) => {
      to.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(to);
    });
    onward.on("error", () => to.writeHead(502).end());
    from.pipe(onward);
  };
  const server = own ? createSecureServer({ key: own.key, cert: own.certificate }, pass) : createServer(pass);
  server.on("connect", (from: IncomingMessage, client: Socket, head: Buffer) => {
    asked.push(`CONNECT ${from.url}`);
    if (refuses(from)) return client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    const [host = "", port = ""] = (from.url ?? "").split(":");
    const onward = connect(Number(port), host, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.write(head);
      onward.pipe(client).pipe(onward);
    });
    onward.on("error", () => client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"));
    client.on("error", () => onward.destroy());
    client.on("close", () => onward.destroy());
  });
  const port = await portOf(server);
  return { url: `${own ? "https" : "http"}://127.0.0.1:${port}`, asked };
}
