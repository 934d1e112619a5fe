import { describe, expect, test } from "@jest/globals";
import { ExplainedError } from "../../../errors/explained-error.ts";
import { listBootSources } from "../../../maas/operations/boot-sources.ts";
import { type Answer, failure, fixture, step } from "./client-fixture.ts";

/** Answers of a proxy in front of MAAS, which answers instead of MAAS. */
const before: readonly (readonly [string, Answer])[] = [
  ["an nginx page", { status: 502, type: "text/html", body: "<html><h1>502 Bad Gateway</h1></html>" }],
  ["a page without a type", { status: 503, type: "", body: "<!DOCTYPE html><p>maintenance" }],
  ["HAProxy's page", { status: 504, type: "text/html", body: "<html><body><h1>504 Gateway Time-out" }],
  ["an empty body", { status: 502, type: "", body: "" }],
  ["JSON of another program", { status: 503, body: '{"message": "no healthy upstream"}' }],
  ["a text", { status: 503, type: "text/plain", body: "upstream connect error" }],
];

describe("a proxy before MAAS", () => {
  test.each(before)("that answers with %s is retried by a read", async (_, answer) => {
    const { client, sent } = fixture([answer, answer, { body: "7" }]);
    expect(await client.get("a", { step })).toBe(7);
    expect(sent).toHaveLength(3);
  });

  test.each(before)("that always answers with %s is reported as: MAAS is down", async (_, answer) => {
    const error = await failure(fixture([answer]).client.get("a", { step }));
    expect(error.message).toMatch(
      /MAAS is down, restarting or overloaded: .* answers 50[234].*\n.*Check on the region host that MAAS runs/,
    );
    expect(error.message).not.toMatch(/maas\.url|something that is not MAAS|not known|<|says: nothing/);
  });

  test.each(before)(
    "that answers a write with %s is reported as: not known whether MAAS carried it out",
    async (_, answer) => {
      for (const method of ["post", "put", "delete"] as const) {
        const { client, sent } = fixture([answer, { body: "{}" }]);
        const error = await failure(client[method]("a", { step }));
        expect(error.message).toMatch(/answers 50[234].*; whether MAAS carried it out is not known/);
        expect(sent).toHaveLength(1);
      }
    },
  );

  test("that answers 429 is retried by a read; for a write, the error reports that MAAS did nothing", async () => {
    const answer = { status: 429, type: "text/html", body: "<html>Too Many Requests" };
    expect(await fixture([answer, { body: "7" }]).client.get("a", { step })).toBe(7);
    const error = await failure(fixture([answer]).client.post("a", { step }));
    expect(error.message).toMatch(/accepts no more requests for now \(429\); MAAS did nothing/);
  });

  test.each([
    [
      "a request for a Basic login",
      { status: 401, type: "text/html", body: "Sign in", authenticate: 'Basic realm="ops"' },
      /requires a separate login.*\(401, Basic\)/,
    ],
    [
      "a login page (401)",
      { status: 401, type: "text/html", body: "<html>401 Authorization Required" },
      /requires a separate login/,
    ],
    [
      "a refusal (403)",
      { status: 403, type: "text/html", body: "<html>403 Forbidden" },
      /before MAAS refuses .*\(403\)/,
    ],
    [
      "a login page (200)",
      { type: "text/html", body: "<!doctype html><title>Sign in" },
      /sends a web page .*\(200\): a login/,
    ],
    ["a web page with the type JSON", { body: "<html><body>Sign in" }, /sends a web page/],
    ["a web page with the type text", { type: "text/plain", body: " <HTML>" }, /sends a web page/],
  ] satisfies [string, Answer, RegExp][])(
    "that answers with %s is recognized, and the remedy names maas.url",
    async (_, answer, found) => {
      for (const method of ["get", "post"] as const) {
        const error = await failure(fixture([answer]).client[method]("a", { step }));
        expect(error.explanation.found).toMatch(found);
        expect(error.explanation.remedy).toContain("maas.url");
        expect(error.message).not.toMatch(/Invalid input|expected|refuses the API key/);
      }
    },
  );

  test("that redirects to a login: the error names maas.url and does not leave the result in doubt", async () => {
    const away = new ExplainedError({
      step: "fetching",
      found: "the server redirects to https://login.dc1/?next=%2FMAAS",
      remedy: "Declare that address if it is correct. Redirects are not followed here.",
      isRedirect: true,
    });
    const error = await failure(fixture([away]).client.post("a", { step }));
    expect(error.message).toMatch(/login\.dc1.*\n.*maas\.url/);
    expect(error.message).not.toContain("not known");
  });

  test("that cuts off an answer is asked again for a read, but not for a write", async () => {
    const half = { body: '[{"id": 1, "na' };
    expect(await fixture([half, { body: "7" }]).client.get("a", { step })).toBe(7);
    await expect(fixture([half]).client.get("a", { step })).rejects.toThrow(
      /cut off or not JSON \(14 bytes\)/,
    );
    const { client, sent } = fixture([half]);
    await expect(client.post("a", { step })).rejects.toThrow(
      /MAAS has carried it out, but the answer is cut off/,
    );
    expect(sent).toHaveLength(1);
  });

  test.each([
    ["{}", /the answer is not a list/],
    ['[{"id": "x", "url": "http://a.b/"}]', /0\.id is not a number|0\.id is not a whole number/],
    ['{"error": "unauthorised"}', /the answer is not a list/],
  ])(
    "that leads to another service, with the answer %s: a plain error names maas.url",
    async (body, found) => {
      const error = await failure(listBootSources(fixture([{ body }]).client));
      expect(error.explanation.found).toMatch(found);
      expect(error.explanation.found).not.toMatch(/Invalid input|expected|received/);
      expect(error.explanation.remedy).toContain("maas.url");
    },
  );
});
