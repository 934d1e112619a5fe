import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One received request. */
interface Seen {
  readonly method: string;
  /** Below `/MAAS/api/2.0/`, with the query. */
  readonly path: string;
  /** The header of that name. */
  readonly authorization: string;
}

/** A TLS server in front of a region, as `maas config-tls` makes it. It counts requests and can fail. */
export class TlsFront {
  readonly url: string;
  /** PEM of the authority that signed its certificate. */
  readonly ca: string;
  readonly seen: Seen[] = [];
  /** The maximum number of simultaneous requests. */
  atOnce = 0;
  /**
   * The results of the next requests: a status, a lost connection or a redirect, or undefined to forward the
   * request.
   */
  readonly next: (number | "cut" | "redirect" | "pass")[] = [];
  readonly #server: Server;

  private constructor(server: Server, ca: string) {
    this.#server = server;
    this.ca = ca;
    this.url = `https://localhost:${(server.address() as AddressInfo).port}/MAAS`;
  }

  /** @param origin the region's own address, `http://127.0.0.1:PORT`. */
  static async start(origin: string): Promise<TlsFront> {
    const { key, cert } = selfSigned();
    const server = createServer({ key, cert });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const front = new TlsFront(server, cert);
    let live = 0;
    server.on("request", (asked, answer) => {
      const path = String(asked.url);
      front.seen.push({
        method: String(asked.method),
        path: path.replace(/^.*\/api\/2\.0\//, ""),
        authorization: String(asked.headers.authorization),
      });
      front.atOnce = Math.max(front.atOnce, ++live);
      answer.on("close", () => live--);
      const fault = front.next.shift();
      if (fault === "cut") return void asked.socket.destroy();
      if (fault === "redirect")
        return void answer.writeHead(301, { location: "https://other.example/" }).end();
      if (typeof fault === "number")
        return void answer.writeHead(fault, { "content-type": "text/html" }).end("<html>");
      const passed = request(
        `${origin}${path}`,
        { method: asked.method, headers: asked.headers },
        (given) => {
          answer.writeHead(given.statusCode ?? 0, given.headers);
          given.pipe(answer);
        },
      );
      passed.on("error", () => answer.destroy());
      asked.pipe(passed);
    });
    return front;
  }

  /** The requests since the last call. */
  take(): string[] {
    return this.seen.splice(0).map(({ method, path }) => `${method} ${path}`);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function selfSigned(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), "airgapped-maas-test-"));
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    execFileSync(
      "openssl",
      [
        ...[
          "req",
          "-x509",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:prime256v1",
          "-nodes",
          "-days",
          "2",
        ],
        ...[
          "-subj",
          "/CN=localhost",
          "-addext",
          "subjectAltName=DNS:localhost",
          "-keyout",
          key,
          "-out",
          cert,
        ],
      ],
      { stdio: "ignore" },
    );
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
