import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { TunnelledHttp } from "../../../hosts/tunnelled-http.ts";

const http = new TunnelledHttp("h1", async (host, port) => connect({ host, port }));
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function portOf(server: Server): Promise<number> {
  servers.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

async function plainly(answer: RequestListener): Promise<string> {
  return `127.0.0.1:${await portOf(createServer(answer))}`;
}

describe("a certificate", () => {
  /** A server whose certificate, signed by itself, is for this name only. */
  async function securely(name: string): Promise<{ port: number; ca: string }> {
    const folder = mkdtempSync(join(tmpdir(), "airgapped-maas-test-"));
    try {
      const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
      const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test`;
      const files = ["-addext", `subjectAltName=${name}`, "-keyout", key, "-out", cert];
      execFileSync("openssl", [...words.split(" "), ...files], { stdio: "ignore" });
      const ca = readFileSync(cert, "utf8");
      const server = createSecureServer({ key: readFileSync(key), cert: ca }, (_, answer) =>
        answer.end("ok"),
      );
      return { port: await portOf(server), ca };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  test("for an address is accepted there, and nowhere else", async () => {
    const { port, ca } = await securely("IP:127.0.0.1");
    const { body } = await http.request(`https://127.0.0.1:${port}/`, { ca });
    expect(body.toString()).toBe("ok");
    await expect(http.request(`https://localhost:${port}/`, { ca })).rejects.toThrow(
      /certificate is not accepted .*localhost/,
    );
  });

  test("for a name is not accepted at an address", async () => {
    const { port, ca } = await securely("DNS:localhost");
    const { body } = await http.request(`https://localhost:${port}/`, { ca });
    expect(body.toString()).toBe("ok");
    await expect(http.request(`https://127.0.0.1:${port}/`, { ca })).rejects.toThrow(
      /certificate is not accepted .*127\.0\.0\.1/,
    );
  });
});

describe("a connection that breaks when it is used again", () => {
  let requests: number;

  /** Answers the first request of a connection and breaks it at the next. */
  async function breaking(): Promise<string> {
    const used = new Set<unknown>();
    requests = 0;
    return plainly(({ socket }, answer) => {
      requests++;
      if (used.has(socket)) return void socket.destroy();
      used.add(socket);
      answer.end("ok");
    });
  }

  test("has what only reads asked anew", async () => {
    const url = `http://${await breaking()}/`;
    await http.request(url);
    expect((await http.request(url)).body.toString()).toBe("ok");
    expect(requests).toBe(3);
  });

  test("has nothing sent on that is signed", async () => {
    const asked: unknown[] = [];
    const elsewhere = await plainly((request, answer) => {
      asked.push(request.headers.authorization);
      answer.end("ok");
    });
    const address = await plainly((_, answer) =>
      answer.writeHead(302, { location: `http://${elsewhere}/` }).end(),
    );
    const headers = { Authorization: "OAuth ..." };
    await expect(http.request(`http://${address}/`, { headers })).rejects.toThrow(
      /the server sends on to http/,
    );
    expect(asked).toEqual([]);
    expect((await http.request(`http://${address}/`)).body.toString()).toBe("ok");
  });

  test("has nothing sent twice that is signed: a nonce is good for once", async () => {
    const url = `http://${await breaking()}/`;
    const headers = { Authorization: 'OAuth oauth_nonce="1"' };
    await http.request(url, { headers });
    await expect(http.request(url, { headers })).rejects.toThrow(/the connection broke/);
    expect(requests).toBe(2);
  });
});

describe("a password in an address", () => {
  const addresses = (at: string) => [
    `http://u:secret@${at}/`,
    `http://u:sec@ret@${at}/`,
    `http://u:secret@x@${at}/`,
    `http://u:sec/ret@${at}/`,
    `http:u:secret@${at}/`,
  ];

  test("is in no message, wherever the address comes from", async () => {
    let location = "";
    const at = await plainly((_, answer) => answer.writeHead(302, { location }).end());
    for (location of [...addresses(at), ...addresses(`${at}:wrong`)]) {
      const error = await http.request(location).catch((failure: Error) => failure);
      const refused = await http
        .request(`http://${at}/`, { redirects: "refuse" })
        .catch((failure: Error) => failure);
      const followed = await http.request(`http://${at}/`).catch((failure: Error) => failure);
      for (const failure of [error, refused, followed]) {
        expect(failure).toBeInstanceOf(Error);
        expect(String(failure)).toContain(at);
        expect(String(failure)).not.toMatch(/sec|ret|u:|x@/);
      }
    }
  });

  test("goes with it, and nothing else does", async () => {
    const at = await plainly((_, answer) => answer.writeHead(302, { location: "/x?mail=a@b" }).end());
    await expect(http.request(`http://${at}/`, { redirects: "refuse" })).rejects.toThrow(
      "sends on to /x?mail=a@b",
    );
    await expect(http.request(`http://${at}/?to=//a@b`, { redirects: "refuse" })).rejects.toThrow(
      `http://${at}/?to=//a@b`,
    );
  });
});
