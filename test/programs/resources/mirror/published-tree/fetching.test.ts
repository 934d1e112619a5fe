import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { RequestListener } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { publishScript } from "../../../../../resources/mirror/images/scripts.ts";
import {
  secretSettings,
  splitSecrets,
  type UpstreamAccess,
} from "../../../../../resources/mirror/published-tree/upstream-access.ts";
import { workListText } from "../../../../../resources/mirror/published-tree/work-list.ts";
import { digestOf } from "../../../../../values/digest.ts";
import { startJob } from "../../../../host-on-this-machine.ts";
import { closeServers, identity, plainly, securely, smallProxy } from "../../../hosts/small-web.ts";
import { handOverTo, scratchDirectory } from "./job-on-this-machine.ts";

/* A host's fetches with credentials, by this machine's sh and curl, from servers that require them. */

const secret = 'word "quoted" \\ $HOME `id` \'s';
const credentials = { username: "user", password: secret };
const basic = `Basic ${Buffer.from(`user:${secret}`).toString("base64")}`;
const file = { path: "pool/a.deb", content: "deb 1" };
let root: string;

beforeEach(() => {
  root = scratchDirectory("fetching");
});
afterEach(async () => {
  rmSync(root, { recursive: true, force: true });
  await closeServers();
});

function started(upstream: string, access: UpstreamAccess = {}, stallSeconds = 1, content = file.content) {
  const { open, secrets } = splitSecrets(access);
  const store = join(root, "store");
  const list = workListText([
    { sha256: digestOf(content), size: content.length, from: file.path, to: `tree/${file.path}` },
  ]);
  const script = publishScript({
    owner: "m",
    directory: join(root, "m"),
    store,
    upstream,
    fetch: { parallel: 4, stallSeconds, ...open },
    keep: 2,
    plan: handOverTo(store, list),
    planText: handOverTo(store, list),
    summary: handOverTo(store, "{}"),
    contents: handOverTo(store, "{ }"),
  });
  return startJob(root, script, list, secretSettings(open, secrets));
}

async function fetched(upstream: string, access?: UpstreamAccess) {
  const { code, lines } = await started(upstream, access).ended;
  const output = lines.join("\n");
  expect(output).not.toContain(secret);
  return { code, faults: lines.filter((line) => line.startsWith("fault ")), output };
}

const served = () => readFileSync(join(root, "m/current/public", file.path), "utf8");

/** Serves the file only with this header. */
const only =
  (header: string): RequestListener =>
  ({ headers }, answer) =>
    headers.authorization === header ? answer.end(file.content) : answer.writeHead(401).end();

describe("an upstream that requires credentials", () => {
  test.each([
    ["a user and a password", { credentials }, basic],
    [
      "the user of Ubuntu Pro",
      { credentials: { username: "bearer", password: "C1x" } },
      "Basic YmVhcmVyOkMxeA==",
    ],
    ["a token", { credentials: { token: "abc.def-_~+/=" } }, "Bearer abc.def-_~+/="],
  ])("gets %s", async (_, access, header) => {
    const at = await plainly(only(header));
    expect(await fetched(`http://${at}`, access)).toMatchObject({ code: 0, faults: [] });
    expect(served()).toBe(file.content);
    expect(existsSync(join(root, "job-secret"))).toBe(false);
  });

  test("gets the credentials, and the target of its redirect does not", async () => {
    const heard: unknown[] = [];
    const other = await plainly(({ headers }, answer) => {
      heard.push(headers.authorization);
      answer.end(file.content);
    });
    const [, port] = other.split(":");
    const home = await plainly((request, answer) => {
      if (request.headers.authorization !== basic) return void answer.writeHead(401).end();
      answer.writeHead(302, { location: `http://localhost:${port}/${file.path}` }).end();
    });
    expect((await fetched(`http://${home}`, { credentials })).code).toBe(0);
    expect(heard).toEqual([undefined]);
  });

  test("over https is not followed in a redirect to http", async () => {
    const own = identity("IP:127.0.0.1");
    const heard: unknown[] = [];
    const plain = await plainly((_, answer) => {
      heard.push("asked");
      answer.end(file.content);
    });
    const port = await securely(own, (_, answer) =>
      answer.writeHead(302, { location: `http://${plain}/` }).end(),
    );
    const access = { credentials, ca: own.certificate };
    expect((await fetched(`https://127.0.0.1:${port}`, access)).faults).toEqual([
      expect.stringMatching(/a redirect of the server is not followed/),
    ]);
    expect(heard).toEqual([]);
  });

  test("has its credentials hidden from other processes and the disk, and none remain after the job", async () => {
    let proceed = () => {};
    const reached = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    let finish = () => {};
    const [own, client] = [identity("IP:127.0.0.1"), identity("DNS:client")];
    const port = await securely(
      own,
      ({ headers }, answer) => {
        if (headers.authorization !== basic) return void answer.writeHead(401).end();
        answer.writeHead(200, { "content-length": file.content.length });
        answer.write(file.content.slice(0, 1));
        finish = () => answer.end(file.content.slice(1));
        proceed();
      },
      client.certificate,
    );
    const job = started(
      `https://127.0.0.1:${port}`,
      { credentials, ca: own.certificate, clientCertificate: client },
      60,
    );
    await reached;
    const seen = readdirSync("/proc")
      .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
      .flatMap((pid) =>
        ["cmdline", "environ"].map((name) => {
          try {
            return readFileSync(`/proc/${pid}/${name}`, "latin1");
          } catch {
            return "";
          }
        }),
      );
    const keyLine = client.key.split("\n")[1] ?? "";
    const encoded = basic.replace("Basic ", "");
    expect(seen.some((text) => text.includes("airgapped-maas\0--fail"))).toBe(true);
    for (const text of seen)
      for (const part of [secret, encoded, keyLine]) expect(text.includes(part)).toBe(false);
    // It is never on disk. The key is in memory, with the job's other secrets.
    const onDisk = filesBelow(join(root, "m"));
    for (const path of onDisk) {
      const text = readFileSync(path, "latin1");
      for (const part of [secret, encoded, keyLine]) expect(text.includes(part)).toBe(false);
    }
    finish();
    expect((await job.ended).code).toBe(0);
    expect(readdirSync(root).sort()).toEqual(["job-input", "m", "store"]);
  });
});

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : [];
  });
}

describe("the connection to upstream", () => {
  test("uses an http or https proxy, with the proxy's credentials", async () => {
    const own = identity("IP:127.0.0.1");
    const proxyCredentials = { username: "proxy", password: secret };
    const authorization = `Basic ${Buffer.from(`proxy:${secret}`).toString("base64")}`;
    for (const [kind, ca] of [
      ["http", {}],
      ["https", { ca: own.certificate }],
    ] as const) {
      const { url, asked } = await smallProxy({
        authorization,
        ...(kind === "https" ? { identity: own } : {}),
      });
      const proxy = { url, credentials: proxyCredentials, ...ca };
      const plain = await plainly(only(basic));
      expect((await fetched(`http://${plain}`, { proxy, credentials })).faults).toEqual([]);
      rmSync(join(root, "store"), { recursive: true });
      rmSync(join(root, "m"), { recursive: true });
      const port = await securely(own, only(basic));
      const secure = { proxy, credentials, ca: own.certificate };
      expect((await fetched(`https://127.0.0.1:${port}`, secure)).faults).toEqual([]);
      rmSync(join(root, "store"), { recursive: true });
      rmSync(join(root, "m"), { recursive: true });
      expect(asked).toEqual([`GET http://${plain}/${file.path}`, `CONNECT 127.0.0.1:${port}`]);
    }
  });

  test("uses the declared authorities and client certificate, and names them if they are missing", async () => {
    const [own, client] = [identity("IP:127.0.0.1"), identity("DNS:client")];
    const port = await securely(own, (_, answer) => answer.end(file.content), client.certificate);
    const url = `https://127.0.0.1:${port}`;
    expect((await fetched(url)).faults).toEqual([
      expect.stringMatching(/declare its authority as upstream\.ca/),
    ]);
    expect((await fetched(url, { ca: own.certificate })).faults).toEqual([
      expect.stringMatching(/see upstream\.clientCertificate/),
    ]);
    expect((await fetched(url, { ca: own.certificate, clientCertificate: client })).faults).toEqual([]);
  });
});

describe("a failed transfer", () => {
  test.each([503, 429, 500])("with status %d succeeds after retries with growing waits", async (status) => {
    let asked = 0;
    const at = await plainly((_, answer) =>
      ++asked < 4 ? answer.writeHead(status).end() : answer.end(file.content),
    );
    const { code, output } = await fetched(`http://${at}`);
    expect([code, asked]).toEqual([0, 4]);
    expect(output.match(/waiting \S+ s before failed transfers/g)).toEqual([
      "waiting 0.033 s before failed transfers",
      "waiting 0.1 s before failed transfers",
      "waiting 0.333 s before failed transfers",
    ]);
  });

  test.each([
    [401, {}, /answered 401: it requires credentials, declare upstream\.credentials$/],
    [401, { credentials }, /answered 401: it does not accept upstream\.credentials$/],
    [403, { credentials }, /answered 403: it does not exist, or upstream\.credentials may not read it$/],
    [403, {}, /answered 403$/],
    [404, {}, /answered 404$/],
    [407, {}, /a proxy requires credentials \(407\): declare upstream\.proxy with credentials$/],
  ])("with status %d and access %j is reported and not tried again", async (status, access, fault) => {
    let asked = 0;
    const at = await plainly((_, answer) => {
      asked++;
      answer.writeHead(status).end("<html>");
    });
    const { faults, output } = await fetched(`http://${at}`, access);
    expect(faults).toEqual([expect.stringMatching(fault)]);
    expect(asked).toBe(1);
    expect(output.includes("remedy Fix the settings named above")).toBe(String(fault).includes("upstream"));
  });

  test("because of wrong proxy credentials names upstream.proxy.credentials", async () => {
    const own = identity("IP:127.0.0.1");
    const { url } = await smallProxy({ authorization: "Basic x" });
    const wrong = { proxy: { url, credentials }, ca: own.certificate };
    const port = await securely(own, (_, answer) => answer.end(file.content));
    expect((await fetched(`https://127.0.0.1:${port}`, wrong)).faults).toEqual([
      expect.stringMatching(/the proxy does not accept upstream\.proxy\.credentials \(407\)$/),
    ]);
  });

  test("from a server that does not use HTTP is reported as that, and not as a redirect", async () => {
    const server = createServer((socket) => socket.end("220 mail\u001b[2J\r\n").on("error", () => {}));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { faults } = await fetched(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.close();
    expect(faults).toEqual(["fault pool/a.deb: the server does not use HTTP"]);
  });

  test("with a web page instead of the file is reported as a web page", async () => {
    const page = "<html>Please log in to the network of the hotel</html>";
    const at = await plainly((_, answer) => answer.writeHead(200, { "content-type": "text/html" }).end(page));
    expect((await fetched(`http://${at}`)).faults).toEqual([
      expect.stringMatching(/pool\/a\.deb: is a web page of \d+ bytes \(text\/html\) and not the file/),
    ]);
  });

  test("that is too slow is given up", async () => {
    const trickles: NodeJS.Timeout[] = [];
    const content = "x".repeat(100_000);
    const at = await plainly((_, answer) => {
      answer.writeHead(200, { "content-length": content.length });
      trickles.push(setInterval(() => answer.write("x"), 100));
    });
    const { code, lines } = await started(`http://${at}`, {}, 1, content).ended;
    for (const trickle of trickles) clearInterval(trickle);
    expect([code, lines.filter((line) => line.startsWith("fault "))]).toEqual([
      65,
      [expect.stringMatching(/the server stalled: less than 500 bytes a second came for 1 s/)],
    ]);
  }, 60_000);
});
