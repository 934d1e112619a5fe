import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { roundTrips } from "../../../hosts/connection-pool.ts";
import type { Host } from "../../../hosts/host.ts";
import type { Lab } from "../../../lab/lab.ts";
import { labForTests, TestSsh } from "../lab-for-tests.ts";

/** A web server with many faults, on a host that only the data centre can reach. */
const server = `
import http.server, socketserver, ssl, time, threading
live = 0; most = 0; lock = threading.Lock()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *a): pass
    def send(self, status, body, **headers):
        self.send_response(status)
        for k, v in headers.items(): self.send_header(k, v)
        self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_GET(self):
        global live, most
        path = self.path
        if path == "/ok": self.send(200, b"h\\xc3\\xa9llo", ETag='"1"')
        elif path == "/port": self.send(200, str(self.client_address[1]).encode())
        elif path == "/header": self.send(200, self.headers.get("If-None-Match", "none").encode())
        elif path.startswith("/redirect/"):
            n = int(path.split("/")[2]); self.send(302, b"", Location="/ok" if n == 0 else "/redirect/%d" % (n - 1))
        elif path == "/away": self.send(302, b"", Location="file:///etc/passwd")
        elif path == "/last": self.send(200, str(self.client_address[1]).encode()); self.close_connection = True
        elif path == "/big": self.send(200, b"x" * 5000)
        elif path == "/endless":
            self.send_response(200); self.send_header("Connection", "close"); self.end_headers()
            try:
                while True: self.wfile.write(b"x" * 10000)
            except OSError: pass
        elif path == "/stall":
            self.send_response(200); self.send_header("Content-Length", "100"); self.end_headers(); self.wfile.write(b"x"); self.wfile.flush(); time.sleep(20)
        elif path == "/drip":
            self.send_response(200); self.send_header("Content-Length", "10"); self.end_headers()
            for _ in range(10): self.wfile.write(b"x"); self.wfile.flush(); time.sleep(0.1)
        elif path == "/short":
            self.send_response(200); self.send_header("Content-Length", "100"); self.end_headers(); self.wfile.write(b"x"); self.close_connection = True
        elif path == "/busy":
            with lock: live += 1; most = max(most, live)
            time.sleep(0.1)
            with lock: live -= 1
            self.send(200, str(most).encode())
        else: self.send(404, b"nothing here")
    def echo(self):
        if self.path == "/moved": return self.send(301, b"", Location="http://user:secret@only-here.internal:8099/ok")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/dies": self.close_connection = True; self.connection.close(); open("/tmp/vices-died", "a").write("x"); return
        self.send(200, b"%s %d %s" % (self.command.encode(), self.client_address[1], body))
    do_POST = do_PUT = do_DELETE = echo
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer): daemon_threads = True
class Secure(Server):
    def get_request(self):
        socket, address = super().get_request()
        return tls.wrap_socket(socket, server_side=True, do_handshake_on_connect=False), address
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); tls.load_cert_chain("/root/vices.pem")
threading.Thread(target=Secure(("127.0.0.1", 8098), Handler).serve_forever, daemon=True).start()
Server(("127.0.0.1", 8099), Handler).serve_forever()
`;

let lab: Lab;
let ssh: TestSsh;
let host: Host;
/** The self-signed certificate of the HTTPS server, for only-here.internal. */
let certificate: string;
const at = (path: string) => `http://only-here.internal:8099${path}`;
const securelyAt = (path: string) => `https://only-here.internal:8098${path}`;
beforeAll(async () => {
  lab = await labForTests("mirror", "mirror2", "client");
  ssh = new TestSsh(lab);
  host = ssh.host("client");
  await host.upload(Buffer.from(server), "/root/vices.py", { mode: 0o600, owner: "root", group: "root" });
  await host.run(`grep -q only-here /etc/hosts || echo 127.0.0.1 only-here.internal >> /etc/hosts
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=vices \\
      -addext subjectAltName=DNS:only-here.internal -keyout /root/vices.key -out /root/vices.crt 2>/dev/null
    cat /root/vices.key /root/vices.crt > /root/vices.pem
    systemctl stop vices 2>/dev/null; systemd-run --quiet --collect --unit=vices python3 /root/vices.py
    until curl -s -o /dev/null http://127.0.0.1:8099/ok; do sleep 0.05; done`);
  certificate = (await host.run("cat /root/vices.crt")).stdout;
}, 300_000);
afterAll(async () => {
  await host.run("systemctl stop vices; sed -i /only-here/d /etc/hosts; rm /root/vices.*");
  await ssh.end();
});

describe("HTTP requests from a host:", () => {
  test("errors explain a refused connection, an unknown name and a broken answer", async () => {
    await expect(host.fetch("http://127.0.0.1:9/")).rejects.toThrow(
      /fetching http:.* the host cannot connect to it.*refused/,
    );
    await expect(host.fetch("http://name.invalid/")).rejects.toThrow(/the host cannot connect to it/);
    await expect(host.fetch(at("/short"))).rejects.toThrow(/the connection broke/);
    await expect(host.fetch("ftp://127.0.0.1/")).rejects.toThrow(/not an http or https address/);
    await expect(host.fetch("http://user:secret@127.0.0.1:9/")).rejects.not.toThrow(/secret/);
  });

  test("a server that stalls is an error, a slow server is not", async () => {
    await expect(host.fetch(at("/stall"), { timeoutMs: 400 })).rejects.toThrow(/nothing came for 0.4 s/);
    expect((await host.fetch(at("/drip"), { timeoutMs: 600 })).body.toString()).toBe("x".repeat(10));
  });

  test("an HTTPS certificate that is not trusted, or has another name, is refused", async () => {
    await expect(host.fetch(securelyAt("/ok"))).rejects.toThrow(
      /its certificate is not accepted \(self-signed certificate[\s\S]*NODE_EXTRA_CA_CERTS/,
    );
    const { body } = await host.fetch(securelyAt("/ok"), { ca: certificate });
    expect(body.toString()).toBe("héllo");
    await expect(host.fetch("https://localhost:8098/ok", { ca: certificate })).rejects.toThrow(
      /its certificate is not accepted .*only-here\.internal/,
    );
  });

  test("an answer longer than the expected maximum is refused, with and without Content-Length", async () => {
    await expect(host.fetch(at("/big"), { maximumBytes: 4999 })).rejects.toThrow(
      /longer than the expected maximum of 4999 bytes/,
    );
    await expect(host.fetch(at("/endless"), { maximumBytes: 1_000_000 })).rejects.toThrow(
      /longer than the expected maximum of 1000000/,
    );
    expect((await host.fetch(at("/big"), { maximumBytes: 5000 })).body).toHaveLength(5000);
  });

  test("up to five redirects are followed, and only to http and https", async () => {
    const result = await host.fetch(at("/redirect/4"));
    expect([result.status, result.url]).toEqual([200, at("/ok")]);
    await expect(host.fetch(at("/redirect/5"))).rejects.toThrow(/more than 5 redirects/);
    await expect(host.fetch(at("/away"))).rejects.toThrow(/file:\/\/\/etc\/passwd is not an http/);
  });

  test("a redirect that is not allowed is an error, which does not show its credentials", async () => {
    const refused = host.fetch(at("/redirect/1"), { redirects: "refuse" });
    await expect(refused).rejects.toThrow(/the server redirects to \/redirect\/0\n.*Declare that address/);
    for (const method of ["POST", "PUT", "DELETE"] as const) {
      const moved = host.fetch(at("/moved"), { method, redirects: "follow" });
      await expect(moved).rejects.toThrow("redirects to http://only-here.internal:8099/ok\n");
    }
  });

  test("request bodies arrive unchanged with POST, PUT and DELETE", async () => {
    const body = Buffer.from("h\u00e9llo\r\n\0".repeat(100_000));
    for (const method of ["POST", "PUT", "DELETE"] as const) {
      const echoed = await host.fetch(at("/echo"), { method, body });
      expect(echoed.body.subarray(-body.length).equals(body)).toBe(true);
      expect(echoed.body.toString("utf8", 0, 7)).toMatch(new RegExp(`^${method} `));
    }
  });

  test("a request that changes data is sent once, over a new connection", async () => {
    const port = async () => (await host.fetch(at("/echo"), { method: "POST" })).body.toString();
    expect(await port()).not.toBe(await port());
    await host.run("rm -f /tmp/vices-died");
    await expect(host.fetch(at("/dies"), { method: "PUT" })).rejects.toThrow(/the connection broke/);
    expect((await host.run("cat /tmp/vices-died; rm /tmp/vices-died")).stdout).toBe("x");
  });

  test("any status is a result, with its headers and unchanged bytes", async () => {
    expect(await host.fetch(at("/nowhere"))).toMatchObject({
      status: 404,
      body: Buffer.from("nothing here"),
    });
    const ok = await host.fetch(at("/ok"));
    expect([ok.status, ok.headers.etag, ok.body.toString()]).toEqual([200, '"1"', "héllo"]);
    expect((await host.fetch(at("/header"), { headers: { "if-none-match": '"1"' } })).body.toString()).toBe(
      '"1"',
    );
  });

  test("connections are reused, and at most eight requests run at the same time", async () => {
    const fresh = ssh.host("client");
    const port = async () => (await fresh.fetch(at("/port"))).body.toString();
    expect(await port()).toBe(await port());
    expect(roundTrips.get(fresh.name)?.tunnels).toBe(1);
    const counts = await Promise.all(Array.from({ length: 24 }, () => fresh.fetch(at("/busy"))));
    const most = Math.max(...counts.map(({ body }) => Number(body)));
    expect(most).toBeGreaterThan(4);
    expect(most).toBeLessThanOrEqual(8);
  });

  test("a connection that the server has closed is not reused", async () => {
    const port = (await host.fetch(at("/last"))).body.toString();
    await host.run(
      `until [ -z "$(ss --no-header --tcp --numeric state established '( sport = :${port} )')" ]; do sleep 0.02; done`,
    );
    const { body } = await host.fetch(at("/ok"), { timeoutMs: 3000 });
    expect(body.toString()).toBe("héllo");
  });

  test("a GET succeeds although the server closes the reused connection at that moment", async () => {
    for (let round = 0; round < 20; round++) {
      await host.fetch(at("/last"), { timeoutMs: 3000 });
    }
  });

  test("the error explains that a host does not allow tunnels", async () => {
    // Other files use this lab at the same time, and reach `client` through `mirror`.
    await lab.sh(
      "mirror2",
      "printf 'Match User ops\\n AllowTcpForwarding no\\n' > /etc/ssh/sshd_config.d/no-tunnels.conf; systemctl reload ssh",
    );
    try {
      await expect(ssh.host("mirror2").fetch("http://127.0.0.1:9/")).rejects.toThrow(
        /does not allow tunnels[\s\S]*AllowTcpForwarding/,
      );
    } finally {
      await lab.sh("mirror2", "rm /etc/ssh/sshd_config.d/no-tunnels.conf; systemctl reload ssh");
    }
  });
});
