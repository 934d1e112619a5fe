import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { until } from "../../../lab/until.ts";
import { Region } from "./region.ts";
import { userKey } from "./region-process.ts";

const whoami = "users/?op=whoami";
let region: Region;

beforeAll(async () => {
  region = await Region.start();
});

afterEach(() => region.control({ slow: 0, badGatewayFor: 0, clockOffset: 0, diskFull: false }));

afterAll(() => region?.stop());

test("a slow region answers only after the set delay", async () => {
  await region.control({ slow: 0.5 });
  const before = performance.now();
  const { status } = await region.get(whoami);

  expect(status).toBe(200);
  expect(performance.now() - before).toBeGreaterThanOrEqual(490);
});

test("a region that is down answers 502 from its web server, and recovers after the set time", async () => {
  await region.control({ badGatewayFor: 0.5 });
  const { status, headers } = await region.get(whoami);

  expect([status, headers.get("Content-Type")]).toEqual([502, "text/html"]);
  await until("the region to be back", 5000, async () => (await region.get(whoami)).status === 200);
});

test("a region whose clock is ahead refuses a request that is signed now, as expired", async () => {
  await region.control({ clockOffset: 600 });
  const { status, text } = await region.get(whoami);

  expect(status).toBe(401);
  expect(text).toMatch(
    /^Authorization Error: 'Expired timestamp: given \d+ and now \d+ has a greater difference than threshold 300'$/,
  );
});

test("a region whose clock is behind accepts a request that is signed now", async () => {
  await region.control({ clockOffset: -600 });

  expect((await region.get(whoami)).status).toBe(200);
});

test("a revoked key is refused, also after a restart of the region", async () => {
  const before = await region.get(whoami, userKey);
  await region.control({ revokeKeysOf: "user1" });
  const after = await region.get(whoami, userKey);
  await region.kill();
  await region.boot();
  const restarted = await region.get(whoami, userKey);

  expect(before.status).toBe(200);
  expect([after.status, after.text]).toEqual([401, "Authorization Error: Invalid API key."]);
  expect(restarted.status).toBe(401);
});
