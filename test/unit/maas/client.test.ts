import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { MaasRefusal } from "../../../maas/refusal.ts";
import { type Answer, answerOf, broken, failure, fixture, key, secret, step } from "./client-fixture.ts";

describe("a request", () => {
  test("is sent below api/2.0 with the final slash that MAAS requires, and is signed with the key", async () => {
    const { client, sent } = fixture([{ body: "[]" }]);
    await client.get("boot-sources", { step });
    await client.get("maas/", { step, query: { op: "get_config", name: "http_proxy" } });
    expect(sent.map(({ url }) => url)).toEqual([
      "http://localhost:5240/MAAS/api/2.0/boot-sources/",
      "http://localhost:5240/MAAS/api/2.0/maas/?op=get_config&name=http_proxy",
    ]);
    expect(sent[0]?.auth).toMatchObject({
      oauth_consumer_key: key.consumerKey,
      oauth_token: key.tokenKey,
      oauth_signature: `%26${secret}`,
      oauth_signature_method: "PLAINTEXT",
    });
    expect(sent[0]?.redirects).toBe("refuse");
    // A busy region needs 30 s and more for an answer.
    expect(sent[0]?.timeoutMs).toBeGreaterThanOrEqual(120_000);
  });

  test("returns a JSON value or a text as MAAS sends it, and refuses JSON that is cut off", async () => {
    const { client } = fixture([{ body: "null" }, { type: "text/plain", body: "OK" }, { body: "{" }]);
    expect(await client.get("maas", { step })).toBe(null);
    expect(await client.post("maas", { step })).toBe("OK");
    await expect(client.get("maas", { step })).rejects.toThrow("cut off or not JSON");
  });

  test("waits for the request before it", async () => {
    let live = 0;
    let most = 0;
    const { client } = fixture([{}], {
      transport: async () => {
        most = Math.max(most, ++live);
        await pause(2);
        live--;
        return answerOf({});
      },
    });
    await Promise.all([
      ...Array.from({ length: 5 }, (_, n) => client.get(`a/${n}`, { step })),
      client.post("b", { step }),
      client.sharing((reader) => reader.get("c", { step })),
    ]);
    expect([most, client.requests]).toEqual([1, 7]);
  });

  test("that fails does not stop the requests after it", async () => {
    const { client } = fixture([{ status: 404, type: "text/plain", body: "No X matches" }, { body: "1" }]);
    const first = failure(client.get("a", { step }));
    expect(await client.get("b", { step })).toBe(1);
    expect((await first).status).toBe(404);
  });
});

describe("retries:", () => {
  test.each([502, 503, 504])(
    "a read is retried after status %i, with another nonce each time",
    async (status) => {
      const { client, sent } = fixture([
        { status, type: "text/html", body: "<html>" },
        { status },
        { body: "7" },
      ]);
      expect(await client.get("a", { step })).toBe(7);
      expect(new Set(sent.map(({ auth }) => auth.oauth_nonce)).size).toBe(3);
    },
  );

  test("a read is retried after a broken connection, and the last error is reported", async () => {
    const { client, sent } = fixture([broken("ECONNRESET"), broken("ECONNREFUSED")]);
    const error = await failure(client.get("a", { step }));
    expect(error.message).toMatch(/^asking: http:.*ECONNREFUSED/);
    expect(sent).toHaveLength(4);
  });

  test("after a read failed, the next reads try once each until the region answers", async () => {
    const { client, sent } = fixture([
      ...Array.from({ length: 5 }, () => broken("ECONNREFUSED")),
      { body: "1" },
    ]);
    await failure(client.get("a", { step }));
    await failure(client.get("b", { step }));
    expect(sent).toHaveLength(5);
    expect(await client.get("c", { step })).toBe(1);
  });

  test.each(["post", "put", "delete"] as const)("a %s is never retried", async (method) => {
    for (const outcome of [{ status: 502 }, { status: 503 }, broken("ECONNRESET")]) {
      const { client, sent } = fixture([outcome, { body: "{}" }]);
      const error = await failure(client[method]("a", { step }));
      expect(error).toBeInstanceOf(ExplainedError);
      expect(sent).toHaveLength(1);
      if (outcome instanceof Error)
        expect(error.message).toContain("whether MAAS carried it out is not known");
    }
  });

  test.each(["CERT_HAS_EXPIRED", "ENOTFOUND"])("a read is not retried after %s", async (code) => {
    const { client, sent } = fixture([broken(code)]);
    await failure(client.get("a", { step }));
    expect(sent).toHaveLength(1);
  });
});

describe("a clock that is behind the clock of MAAS", () => {
  const ours = Date.UTC(2026, 10, 23, 6, 0, 0);
  const theirs = ours / 1000 + 600;
  const expired = (given: number, now: number): Answer => ({
    status: 401,
    type: "text/html",
    body: `Authorization Error: 'Expired timestamp: given ${given} and now ${now} has a greater difference than threshold 300'`,
  });

  test("is corrected once with MAAS's time, with a warning", async () => {
    const { client, sent, warnings } = fixture([expired(ours / 1000, theirs), { body: "1" }], {
      now: () => ours,
    });
    expect(await client.post("a", { step })).toBe(1);
    expect(await client.post("b", { step })).toBe(1);
    expect(sent.map(({ auth }) => Number(auth.oauth_timestamp))).toEqual([ours / 1000, theirs, theirs]);
    expect(warnings).toEqual([
      expect.stringMatching(/10 minutes ahead.*2026-11-23T06:10:00.*there, 2026-11-23T06:00:00.*here/),
    ]);
  });

  test("is detected by the Date header when the text of MAAS has no time", async () => {
    const refused = { status: 401, body: "stale", date: new Date(theirs * 1000) };
    const { client, sent } = fixture([refused, { body: "1" }], { now: () => ours });
    expect(await client.get("a", { step })).toBe(1);
    expect(sent[1]?.auth.oauth_timestamp).toBe(String(theirs));
  });

  test("is not assumed when the clocks agree", async () => {
    const { client, sent, warnings } = fixture([{ status: 401, body: "no", date: new Date(ours + 60_000) }], {
      now: () => ours,
    });
    expect((await failure(client.get("a", { step }))).status).toBe(401);
    expect([sent.length, warnings]).toEqual([1, []]);
  });
});

describe("a refusal", () => {
  test("of the API key does not show the text of MAAS, which contains the secret", async () => {
    const body = `Authorization Error: 'Invalid signature. Expected signature base string: &${"r".repeat(32)}'`;
    const { client } = fixture([{ status: 401, type: "text/html", body }]);
    const error = await failure(client.get("a", { step }));
    expect(error.message).toMatch(/MAAS refuses the API key \(401\)\n.*apikey --username/);
    const everything = JSON.stringify([
      error.message,
      error.stack,
      error.explanation,
      error.fields,
      error.cause,
    ]);
    expect(everything).not.toMatch(/rrrr|ssss/);
  });

  test("of a value names the field and a remedy", async () => {
    const body = '{"arches": ["No available images to download for [\'arm64\']"], "__all__": ["Other."]}';
    const { client } = fixture([{ status: 400, type: "application/json; charset=utf-8", body }]);
    const error = await failure(client.post("a", { step }));
    expect(error).toBeInstanceOf(MaasRefusal);
    expect(error.explanation.found).toBe(
      "MAAS says: arches: No available images to download for ['arm64']; Other. (400)",
    );
    expect(error.explanation.remedy).toMatch(/keyring is the mirror's and not armored/);
    expect([
      error.says(/No available images/, "arches"),
      error.says(/Other/, "arches"),
      error.says(/Other/),
    ]).toEqual([true, false, true]);
  });

  test("with the type JSON but without JSON is read as a text", async () => {
    const { client } = fixture([{ status: 400, body: "Cannot delete default Ubuntu archives." }]);
    const error = await failure(client.delete("a", { step }));
    expect(error.says(/^Cannot delete default/, "")).toBe(true);
  });

  test.each([
    ["a web server that is not MAAS", { status: 404, type: "text/html", body: "<html>nginx" }],
    [
      "MAAS for a wrong path",
      { status: 404, type: "text/plain", body: "Unknown API endpoint: /M/api/2.0/a/." },
    ],
  ])("by %s names maas.url in the remedy", async (_, answer) => {
    const error = await failure(fixture([answer]).client.get("a", { step }));
    expect(error.explanation.remedy).toContain("maas.url");
  });

  test.each([
    [403, "User is not allowed access to this API.", /administrator/],
    [500, "'memoryview' object has no attribute 'read'", /regiond's log/],
    [409, "busy", /Wait until/],
    [410, "The 1.0 API is no longer available.", /3\.4 or newer/],
    [
      400,
      "'noble' is not a valid commissioning_distro_series.  It should be one of: '---'.",
      /images are imported/,
    ],
  ])("with status %i has a remedy: %s", async (status, body, remedy) => {
    const error = await failure(fixture([{ status, type: "text/plain", body }]).client.put("a", { step }));
    expect(error.explanation.remedy).toMatch(remedy);
    expect(error.message).toContain(body);
  });
});

describe("shared reads", () => {
  test("send one request for the same path to serve several callers at the same time", async () => {
    const { client, sent } = fixture([{ body: "[]" }]);
    const look = () =>
      client.sharing(async (reader) => {
        await reader.get("a", { step });
        return reader.get("b", { step });
      });
    await Promise.all([look(), look(), look()]);
    expect(sent).toHaveLength(2);
    await look();
    expect(sent).toHaveLength(4);
  });

  test("do not reuse an answer from before a change", async () => {
    const { client, sent } = fixture([{ body: "[]" }]);
    await client.sharing(async (reader) => {
      await reader.get("a", { step });
      await client.put("a", { step });
      await reader.get("a", { step });
    });
    expect(sent.map(({ method }) => method)).toEqual(["GET", "PUT", "GET"]);
  });
});
