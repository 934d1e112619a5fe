import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { ExplainedError } from "../../../../../errors/explained-error.ts";
import type { Host } from "../../../../../hosts/host.ts";
import { TunnelledHttp } from "../../../../../hosts/tunnelled-http.ts";
import {
  existsThrough,
  fetchThrough,
  type Upstream,
} from "../../../../../resources/mirror/published-tree/upstream.ts";
import { closeServers, identity, plainly, securely, smallProxy } from "../../../hosts/small-web.ts";

/* Reads of upstream from real servers, through connections that this machine makes instead of a host. */

const dial = (host: string, port: number) =>
  new Promise<Socket>((resolve, reject) => {
    const socket = connect({ host, port }, () => resolve(socket)).once("error", reject);
  });
const http = new TunnelledHttp("mirror", dial);
const host = { name: "mirror", fetch: (url, options) => http.request(url, options) } as Host;
const absence = { values: ["upstream.url"], remedy: "Check the URL." };

afterEach(async () => {
  jest.useRealTimers();
  await closeServers();
});

/** The waits, on a clock that does not take real time. */
function reader(upstream: Partial<Upstream> & { readonly url: string }) {
  const waits: number[] = [];
  const pause = async (milliseconds: number) => waits.push(milliseconds);
  const all = { stallSeconds: 30, ...upstream };
  const fetch = fetchThrough(host, all, absence, pause);
  return {
    waits,
    get: async (path: string) => (await fetch(path, { maximum: 1000 })).toString(),
    exists: existsThrough(host, all, pause),
  };
}

async function refusal(work: Promise<unknown>): Promise<ExplainedError> {
  const error = await work.catch((failure: unknown) => failure);
  if (!(error instanceof ExplainedError)) throw new Error(`not refused, but ${error}`);
  return error;
}

describe("a failed request to upstream", () => {
  /** Fails this many times, then answers. */
  async function failing(times: number, how: number | "reset") {
    let asked = 0;
    const at = await plainly((request, answer) => {
      if (++asked > times) return void answer.end("ok");
      if (how === "reset") return void request.socket.resetAndDestroy();
      answer.writeHead(how).end();
    });
    return { url: `http://${at}`, asked: () => asked };
  }

  test.each([503, 429, 500, 502, 504, "reset"] as const)(
    "with %s is tried again after growing waits, and given up after 4 attempts",
    async (how) => {
      const soon = reader(await failing(3, how));
      expect(await soon.get("a")).toBe("ok");
      expect(soon.waits).toEqual([1000, 3000, 10_000]);
      const upstream = await failing(9, how);
      const never = reader(upstream);
      expect((await refusal(never.get("a"))).message).toMatch(
        how === "reset" ? /4 times/ : `${how}, 4 times`,
      );
      expect(upstream.asked()).toBe(4);
    },
  );

  test.each([401, 403, 404, 410, 400, 501])("with status %d is not tried again", async (status) => {
    const upstream = await failing(9, status);
    const { waits, get } = reader(upstream);
    await refusal(get("a"));
    expect([waits, upstream.asked()]).toEqual([[], 1]);
  });

  test("that stalls is tried once more, and then given up", async () => {
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "clearImmediate"] });
    let asked = 0;
    const at = await plainly(() => void asked++);
    const { waits, get } = reader({ url: `http://${at}`, stallSeconds: 30 });
    const refused = refusal(get("a"));
    for (const attempt of [1, 2]) {
      while (asked < attempt) await new Promise(setImmediate);
      await jest.advanceTimersByTimeAsync(30_000);
    }
    expect((await refused).message).toMatch(/nothing came for 30 s, 2 times/);
    expect([asked, waits]).toEqual([2, [1000]]);
  });

  test("is also tried again if it checks whether a file exists", async () => {
    const { waits, exists } = reader(await failing(1, 503));
    expect(await exists(["a"])).toEqual([true]);
    expect(waits).toEqual([1000]);
  });
});

describe("the error message", () => {
  const secret = "hunter2-hunter2";
  const credentials = { username: "user", password: secret };

  test.each([
    [401, {}, /requires credentials[\s\S]*Declare upstream\.credentials/, ["upstream.credentials"]],
    [401, { credentials }, /does not accept the declared cred[\s\S]*Correct/, ["upstream.credentials"]],
    [403, { credentials }, /Check that upstream\.credentials may read it/, ["upstream.url"]],
    [403, {}, /Check the URL\. .*declare upstream\.credentials/, ["upstream.url"]],
    [407, {}, /a proxy requires credentials[\s\S]*upstream\.proxy/, ["upstream.proxy"]],
    [511, {}, /Log the mirror's host in/, undefined],
  ])("for status %d with %j names the remedy, and no secret", async (status, access, expected, values) => {
    const at = await plainly((_, answer) => answer.writeHead(status).end());
    const error = await refusal(reader({ url: `http://${at}`, ...access }).get("a"));
    expect(error.message).toMatch(expected);
    expect(error.message).not.toMatch(/again when upstream works/);
    expect(error.message).not.toContain(secret);
    expect(error.explanation.values).toEqual(values);
  });

  test("for a proxy that requires credentials, rejects them, or cannot connect names the proxy", async () => {
    const authorization = `Basic ${Buffer.from(`user:${secret}`).toString("base64")}`;
    const { url } = await smallProxy({ authorization });
    const at = async (address: string, given?: { username: string; password: string }) =>
      refusal(reader({ url: address, proxy: { url, credentials: given } }).get("a"));
    expect((await at("http://127.0.0.1:1")).message).toMatch(/requires credentials \(407\)/);
    const wrong = await at("https://127.0.0.1:1", { ...credentials, username: "other" });
    expect(wrong.message).toMatch(/does not accept the declared credentials \(407\)/);
    expect(wrong.explanation.values).toEqual(["upstream.proxy.credentials"]);
    expect(wrong.message).not.toContain(secret);
    expect((await at("https://127.0.0.1:1", credentials)).message).toMatch(
      /the proxy \S+ refuses to connect to it: it answered 502/,
    );
  });

  test("for a web page instead of the file names the web page", async () => {
    const at = await plainly((_, answer) =>
      answer.writeHead(200, { "content-type": "text/html" }).end("<!DOCTYPE html><title>Log in</title>"),
    );
    expect((await refusal(reader({ url: `http://${at}` }).get("dists/noble/InRelease"))).message).toMatch(
      /a web page came instead of the file/,
    );
  });

  test("for an unknown authority names upstream.ca, for a missing certificate upstream.clientCertificate", async () => {
    const own = identity("IP:127.0.0.1");
    const port = await securely(own, (_, answer) => answer.end("ok"), identity("DNS:client").certificate);
    const url = `https://127.0.0.1:${port}`;
    expect((await refusal(reader({ url }).get("a"))).explanation.values).toEqual(["upstream.ca"]);
    const refused = await refusal(reader({ url, ca: own.certificate }).get("a"));
    expect(refused.message).toMatch(/as upstream\.clientCertificate/);
  });
});

test("a read uses the declared credentials, authorities, client certificate and proxy", async () => {
  const [own, client] = [identity("IP:127.0.0.1"), identity("DNS:client")];
  const port = await securely(
    own,
    ({ headers }, answer) => answer.end(headers.authorization),
    client.certificate,
  );
  const { url, asked } = await smallProxy({ authorization: "Basic cDpx", identity: own });
  const access = {
    credentials: { token: "token" },
    ca: own.certificate,
    clientCertificate: client,
    proxy: { url, credentials: { username: "p", password: "q" }, ca: own.certificate },
  };
  expect(await reader({ url: `https://127.0.0.1:${port}`, ...access }).get("a")).toBe("Bearer token");
  expect(asked).toEqual([`CONNECT 127.0.0.1:${port}`]);
});
