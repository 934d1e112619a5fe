import { afterEach, describe, expect, test } from "@jest/globals";
import { airgappedProfile } from "../../../components/maas/settings-args.ts";
import type { CallFailed } from "../provider-process.ts";
import { DeclaredRegion } from "./declared-region.ts";
import { adminKey, userKey } from "./region-process.ts";

let maas: DeclaredRegion;
afterEach(() => maas.stop());

const settings = Object.fromEntries(
  Object.entries(airgappedProfile).map(([name, { value }]) => [name, value]),
);
const archives = {
  main_archive: { url: "http://mirror.dc1.example/ubuntu", disabledPockets: ["backports"] },
};

async function failed(call: Promise<unknown>): Promise<CallFailed> {
  return (await call.then(
    () => undefined,
    (error) => error,
  )) as CallFailed;
}

describe.each(["3.5", "3.6", "3.7", "3.8"])("MAAS %s", (version) => {
  test("shows no difference after the first update, and the second one writes nothing", async () => {
    maas = await DeclaredRegion.start(version);
    const resources = [
      [maas.resource("MaasSettings"), { settings }],
      [maas.resource("MaasArchive"), { archives }],
    ] as const;
    for (const [resource, declared] of resources) await resource.apply(declared);
    maas.front.take();
    for (const [resource, declared] of resources) {
      expect(await resource.differing(declared)).toEqual([]);
      await resource.apply(declared);
    }
    expect(maas.front.take().filter((line) => !line.startsWith("GET"))).toEqual([]);
    for (const [resource] of resources) await resource.delete();
    expect(maas.logs).toEqual([]);
  });
});

describe("a region with a fault", () => {
  test.each([
    ["of a user who is not an administrator", userKey, /its user user1 is not an administrator/],
    ["that is wrong", adminKey.replace(/.{8}$/, "00000000"), /refuses the API key \(401\)/],
  ])("refuses a key %s: the error names the reason, and shows no key", async (_, apiKey, message) => {
    maas = await DeclaredRegion.start();
    const error = await failed(maas.resource("MaasSettings").apply({ settings, apiKey }));
    expect(error.message).toMatch(message);
    for (const secret of [adminKey, apiKey].map((key) => String(key.split(":")[2]))) {
      expect(`${error.wire}${maas.provider.stderr}${JSON.stringify(maas.logs)}`).not.toContain(secret);
    }
  });

  test("refuses a key that is revoked between two updates: the error names the remedy", async () => {
    maas = await DeclaredRegion.start();
    const resource = maas.resource("MaasSettings");
    await resource.apply({ settings });
    await maas.control({ revokeKeysOf: "admin" });
    expect((await failed(resource.read())).message).toMatch(/refuses the API key[\s\S]*--refresh=false/);
  });

  test("is waited for while it restarts, and its clock is used unchanged", async () => {
    maas = await DeclaredRegion.start();
    await maas.control({ badGatewayFor: 0.8, clockOffset: 1200 });
    const resource = maas.resource("MaasSettings");
    await resource.apply({ settings });
    expect(maas.front.take().length).toBeGreaterThan(Object.keys(settings).length + 3);
    expect(maas.logs.filter(({ severity }) => severity === "warning")).toMatchObject([
      { message: expect.stringMatching(/MAAS's clock is 20 minutes ahead/) },
    ]);
    expect(await resource.differing({ settings })).toEqual([]);
  });

  test("keeps the changes made before it cuts a connection, and the next update continues from there", async () => {
    maas = await DeclaredRegion.start();
    const resource = maas.resource("MaasSettings");
    const before = await resource.inputs({ settings });
    expect(before.settings).toEqual(settings);
    // It reads the version, the user and each setting. The third write is cut off.
    const reads = 2 + Object.keys(settings).length;
    const passed = Array.from({ length: reads + 2 }, () => "pass" as const);
    maas.front.next.push(...passed, "cut");
    const error = await failed(resource.apply({ settings }));
    expect(error.message).toMatch(/whether MAAS carried it out is not known/);
    expect(Object.keys(error.partial?.properties.before).sort()).toEqual(Object.keys(settings).sort());
    resource.id = String(error.partial?.id);
    resource.stored = error.partial?.properties ?? {};
    await resource.apply({ settings });
    expect(await resource.differing({ settings })).toEqual([]);
    await resource.delete();
    expect(await maas.resource("MaasSettings").apply({ settings })).toMatchObject({
      before: { enable_analytics: true, dnssec_validation: "auto", enable_http_proxy: true },
    });
  });
});
