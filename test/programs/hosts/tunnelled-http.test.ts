import type { RequestListener, ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import type { TransferFailure } from "../../../hosts/transfer-failure.ts";
import { TunnelledHttp } from "../../../hosts/tunnelled-http.ts";
import { closeServers, identity, plainly, securely, smallProxy } from "./small-web.ts";

/** An agent that returns only existing connections, like a host's. */
const dial = (host: string, port: number) =>
  new Promise<Socket>((resolve, reject) => {
    const socket = connect({ host, port }, () => resolve(socket)).once("error", reject);
  });
const http = new TunnelledHttp("h1", dial);

afterEach(async () => {
  jest.useRealTimers();
  await closeServers();
});

describe("a server certificate", () => {
  async function serving(name: string) {
    const own = identity(name);
    return { port: await securely(own, (_, answer) => answer.end("ok")), ca: own.certificate };
  }

  test("for an IP address is accepted at that address, and not at a name", async () => {
    const { port, ca } = await serving("IP:127.0.0.1");
    const { body } = await http.request(`https://127.0.0.1:${port}/`, { ca });
    expect(body.toString()).toBe("ok");
    await expect(http.request(`https://localhost:${port}/`, { ca })).rejects.toThrow(
      /certificate is not accepted .*localhost/,
    );
  });

  test("for a name is accepted at that name, and not at an IP address", async () => {
    const { port, ca } = await serving("DNS:localhost");
    const { body } = await http.request(`https://localhost:${port}/`, { ca });
    expect(body.toString()).toBe("ok");
    await expect(http.request(`https://127.0.0.1:${port}/`, { ca })).rejects.toThrow(
      /certificate is not accepted .*127\.0\.0\.1/,
    );
  });
});

describe("requests with and without a signature", () => {
  let requests: number;

  /** Answers the first request of a connection and breaks the connection at the next one. */
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

  test("a request that only reads is repeated if its reused connection breaks", async () => {
    const url = `http://${await breaking()}/`;
    await http.request(url);
    expect((await http.request(url)).body.toString()).toBe("ok");
    expect(requests).toBe(3);
  });

  test("a signed request does not follow a redirect, an unsigned request does", async () => {
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
      /the server redirects to http/,
    );
    expect(asked).toEqual([]);
    expect((await http.request(`http://${address}/`)).body.toString()).toBe("ok");
  });

  test("a signed request is not repeated if its connection breaks: a nonce is valid once", async () => {
    const url = `http://${await breaking()}/`;
    const headers = { Authorization: 'OAuth oauth_nonce="1"' };
    await http.request(url, { headers });
    await expect(http.request(url, { headers })).rejects.toThrow(/the connection broke/);
    expect(requests).toBe(2);
  });
});

describe("a URL in a message", () => {
  const addresses = (at: string) => [
    `http://u:secret@${at}/`,
    `http://u:sec@ret@${at}/`,
    `http://u:secret@x@${at}/`,
    `http://u:sec/ret@${at}/`,
    `http:u:secret@${at}/`,
  ];

  test("has no password, whether it was requested or comes from a redirect", async () => {
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

  test("has no query if it comes from a redirect, and keeps its query if it was requested", async () => {
    const at = await plainly((_, answer) => answer.writeHead(302, { location: "/x?mail=a@b" }).end());
    await expect(http.request(`http://${at}/`, { redirects: "refuse" })).rejects.toThrow(
      "redirects to /x?...\n",
    );
    await expect(http.request(`http://${at}/?to=//a@b`, { redirects: "refuse" })).rejects.toThrow(
      `http://${at}/?to=//a@b`,
    );
  });
});

describe("credentials", () => {
  const authorization = "Basic dXNlcjpzZWNyZXQ=";

  test("are sent with each request to their server, also on reused connections and after redirects", async () => {
    const got: unknown[] = [];
    const at = await plainly(({ headers, url }, answer) => {
      got.push(headers.authorization);
      if (url === "/moved") return void answer.writeHead(302, { location: "/here" }).end();
      answer.end("ok");
    });
    for (const path of ["/", "/", "/moved"]) {
      expect((await http.request(`http://${at}${path}`, { authorization })).body.toString()).toBe("ok");
    }
    expect(got).toEqual([authorization, authorization, authorization, authorization]);
  });

  test("are not sent to another port, host or scheme after a redirect, and are sent again after a redirect back", async () => {
    const own = identity("DNS:localhost,IP:127.0.0.1");
    const got: unknown[][] = [];
    let away = "";
    const answering =
      (who: string): RequestListener =>
      ({ headers, url }, answer) => {
        got.push([who, url, headers.authorization]);
        if (url === "/") return void answer.writeHead(302, { location: `${away}/away` }).end();
        if (url === "/away") return void answer.writeHead(302, { location: `http://${home}/back` }).end();
        answer.end("ok");
      };
    const home = await plainly(answering("home"));
    const other = await plainly(answering("other port"));
    const secure = await securely(own, answering("https"));
    for (const [who, address] of [
      ["other port", `http://${other}`],
      // The same server by another name.
      ["home", `http://${home.replace("127.0.0.1", "localhost")}`],
      ["https", `https://127.0.0.1:${secure}`],
    ] as const) {
      got.length = 0;
      away = address;
      const { body } = await http.request(`http://${home}/`, { authorization, ca: own.certificate });
      expect(body.toString()).toBe("ok");
      expect([address, got]).toEqual([
        address,
        [
          ["home", "/", authorization],
          [who, "/away", undefined],
          ["home", "/back", authorization],
        ],
      ]);
    }
  });

  test("make a redirect from https to http an error, without a request to the http server", async () => {
    const own = identity("IP:127.0.0.1");
    const got: unknown[] = [];
    const plain = await plainly(({ headers }, answer) => {
      got.push(headers.authorization);
      answer.end("ok");
    });
    const port = await securely(own, (_, answer) =>
      answer.writeHead(302, { location: `http://${plain}/` }).end(),
    );
    const url = `https://127.0.0.1:${port}/`;
    await expect(http.request(url, { authorization, ca: own.certificate })).rejects.toThrow(
      /from https to http/,
    );
    expect(got).toEqual([]);
    expect((await http.request(url, { ca: own.certificate })).body.toString()).toBe("ok");
    expect(got).toEqual([undefined]);
  });

  test("a client certificate is sent to the server that requests it, and not after a redirect", async () => {
    const [own, client] = [identity("IP:127.0.0.1"), identity("DNS:client")];
    let reached = 0;
    const elsewhere = await securely(
      own,
      (_, answer) => {
        reached++;
        answer.end("open");
      },
      client.certificate,
    );
    const port = await securely(
      own,
      ({ url }, answer) => {
        if (url === "/away") answer.writeHead(302, { location: `https://127.0.0.1:${elsewhere}/` });
        answer.end(url === "/away" ? "" : "ok");
      },
      client.certificate,
    );
    const options = { ca: own.certificate, clientCertificate: client };
    expect((await http.request(`https://127.0.0.1:${port}/`, options)).body.toString()).toBe("ok");
    await expect(http.request(`https://127.0.0.1:${port}/`, { ca: own.certificate })).rejects.toThrow(
      /client certificate/,
    );
    await expect(http.request(`https://127.0.0.1:${port}/away`, options)).rejects.toThrow(
      /client certificate/,
    );
    expect(reached).toBe(0);
  });
});

describe("a proxy", () => {
  const authorization = "Basic cHJveHk6c2VjcmV0";

  test("gets http requests with the full URL, and one CONNECT for https requests", async () => {
    const own = identity("IP:127.0.0.1");
    const plain = await plainly(({ headers }, answer) =>
      answer.end(`${headers.host} ${headers["proxy-authorization"]}`),
    );
    const port = await securely(own, (_, answer) => answer.end("secure"));
    const { asked, url } = await smallProxy({ authorization });
    const proxy = { url, authorization };
    for (let round = 0; round < 2; round++) {
      const { body } = await http.request(`http://${plain}/a?b=c`, { proxy });
      expect(body.toString()).toBe(`${plain} undefined`);
      const secure = await http.request(`https://127.0.0.1:${port}/`, { proxy, ca: own.certificate });
      expect(secure.body.toString()).toBe("secure");
    }
    expect(asked).toEqual([
      `GET http://${plain}/a?b=c`,
      `CONNECT 127.0.0.1:${port}`,
      `GET http://${plain}/a?b=c`,
    ]);
  });

  test("can use TLS, and its certificate is verified", async () => {
    const own = identity("IP:127.0.0.1");
    const plain = await plainly((_, answer) => answer.end("ok"));
    const port = await securely(own, (_, answer) => answer.end("secure"));
    const { url } = await smallProxy({ identity: own });
    const proxy = { url, ca: own.certificate };
    expect((await http.request(`http://${plain}/`, { proxy })).body.toString()).toBe("ok");
    const secure = await http.request(`https://127.0.0.1:${port}/`, { proxy, ca: own.certificate });
    expect(secure.body.toString()).toBe("secure");
    await expect(http.request(`http://${plain}/`, { proxy: { url } })).rejects.toThrow(
      new RegExp(`the certificate of the proxy ${url} is not accepted`),
    );
  });

  test("that requires credentials or cannot connect is distinguished from the server", async () => {
    const plain = await plainly((_, answer) => answer.writeHead(401).end());
    const { url } = await smallProxy({ authorization });
    for (const address of [`http://${plain}/`, "https://127.0.0.1:1/"]) {
      expect(await http.request(address, { proxy: { url } })).toMatchObject({ status: 407, byProxy: true });
    }
    const proxy = { url, authorization };
    expect(await http.request("https://127.0.0.1:1/", { proxy })).toMatchObject({
      status: 502,
      byProxy: true,
    });
    expect((await http.request(`http://${plain}/`, { proxy })).byProxy).toBeUndefined();
  });

  test("that cannot be reached is named in the message, without its password", async () => {
    const proxy = { url: "http://u:secret@127.0.0.1:9" };
    const failure = await http.request("http://127.0.0.1:1/", { proxy }).catch((error: Error) => error);
    expect(String(failure)).toMatch(/the connection to the proxy http:\/\/127\.0\.0\.1:9\/ broke/);
    expect(String(failure)).not.toMatch(/secret/);
  });
});

describe("a server", () => {
  test("gets the user agent of this project", async () => {
    const at = await plainly(({ headers }, answer) => answer.end(headers["user-agent"]));
    expect((await http.request(`http://${at}/`)).body.toString()).toBe("airgapped-maas");
  });

  test.each([400, 403, 405, 501])(
    "that answers HEAD with %d gets a GET request for one byte instead",
    async (status) => {
      const asked: string[] = [];
      let sent = 0;
      const at = await plainly(({ method, url, headers }, answer) => {
        asked.push(`${method} ${url} ${headers.range}`);
        if (method === "HEAD") return void answer.writeHead(status).end();
        if (url === "/absent") return void answer.writeHead(404).end();
        if (url === "/range") return void answer.writeHead(206, { "content-range": "bytes 0-0/9" }).end("x");
        answer.writeHead(200);
        const more = () => {
          while (!answer.destroyed && answer.write(Buffer.alloc(65_536))) sent += 65_536;
        };
        answer.on("drain", more);
        more();
      });
      const head = async (path: string) =>
        (await http.request(`http://${at}${path}`, { method: "HEAD", maximumBytes: 10 })).status;
      expect([await head("/range"), await head("/endless"), await head("/absent")]).toEqual([200, 200, 404]);
      expect(asked.filter((line) => line.startsWith("GET"))).toEqual([
        "GET /range bytes=0-0",
        "GET /endless bytes=0-0",
        "GET /absent bytes=0-0",
      ]);
      expect(sent).toBeLessThan(64 * 1024 * 1024);
    },
  );

  test("that sends fewer bytes per second than the minimum is given up", async () => {
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "clearImmediate"] });
    const answers: ServerResponse[] = [];
    const sockets: Socket[] = [];
    const at = await plainly(
      (_, answer) => void answers.push(answer.writeHead(200, { "content-length": 1e6 })),
    );
    const counted = async (host: string, port: number) => {
      sockets.push(await dial(host, port));
      return sockets[0] as Socket;
    };
    const failure = new TunnelledHttp("h1", counted)
      .request(`http://${at}/`, { timeoutMs: 20_000, slowestBytesPerSecond: 3 })
      .catch((error: unknown) => error as TransferFailure);
    const until = async (isSo: () => boolean) => {
      while (!isSo()) await new Promise(setImmediate);
    };
    await until(() => answers.length === 1);
    for (const seconds of [15, 15]) {
      const before = sockets[0]?.bytesRead ?? 0;
      answers[0]?.write("x".repeat(40));
      await until(() => (sockets[0]?.bytesRead ?? 0) >= before + 40);
      await jest.advanceTimersByTimeAsync(seconds * 1000);
    }
    expect(await failure).toMatchObject({
      fault: "slow",
      message: expect.stringMatching(/less than 3 bytes a second came for 30 s \(80 bytes in all\)/),
    });
  });

  test("has not stalled if its answer came while this process was busy", async () => {
    const at = await plainly((_, answer) => {
      answer.end("ok");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100);
    });
    expect((await http.request(`http://${at}/`, { timeoutMs: 1000 })).body.toString()).toBe("ok");
  });
});
