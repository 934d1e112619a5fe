import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { airgappedProfile } from "../../../components/maas/settings-args.ts";
import { getConfig, setConfig } from "../../../maas/operations/config.ts";
import type { CallFailed, Properties } from "../provider-process.ts";
import { DeclaredRegion } from "./declared-region.ts";

let maas: DeclaredRegion;
beforeAll(async () => {
  maas = await DeclaredRegion.start();
});
afterAll(() => maas.stop());
beforeEach(() => {
  maas.front.take();
  maas.forgetLogs();
});

const get = (name: string) => getConfig(maas.somebody, name);
const set = (name: string, value: string | boolean) => setConfig(maas.somebody, name, value);
const writes = () => maas.front.take().filter((line) => line.startsWith("POST")).length;
const profile = Object.fromEntries(
  Object.entries(airgappedProfile).map(([name, { value }]) => [name, value]),
);

async function failed(call: Promise<unknown>): Promise<CallFailed> {
  return (await call.then(
    () => undefined,
    (error) => error,
  )) as CallFailed;
}

describe("MaasSettings", () => {
  test("sets only what differs, sets nothing twice, and restores all settings when it is deleted", async () => {
    const names = [...Object.keys(profile), "http_proxy", "upstream_dns", "ntp_servers"];
    const before = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await get(name)])));
    const declared = {
      settings: { ...profile, http_proxy: "", upstream_dns: ["10.0.0.53", "10.0.0.54"], ntp_servers: [] },
    };
    const settings = maas.resource("MaasSettings");
    maas.front.take();
    await settings.apply(declared);
    // Settings whose default is the declared value are not written: ntp_external_only and, where null is "",
    // http_proxy.
    expect(writes()).toBe(names.length - 2);
    expect([await get("upstream_dns"), await get("ntp_servers"), await get("dnssec_validation")]).toEqual([
      "10.0.0.53 10.0.0.54",
      "",
      "no",
    ]);
    expect(await settings.differing(declared)).toEqual([]);
    maas.front.take();
    await settings.apply(declared);
    expect(writes()).toBe(0);
    await settings.delete();
    const after = Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, (await get(name)) || null])),
    );
    expect(after).toEqual(Object.fromEntries(names.map((name) => [name, before[name] || null])));
  });

  test("shows what another person changed, by name, and corrects it", async () => {
    const settings = maas.resource("MaasSettings");
    const declared = { settings: { enable_analytics: false, ntp_servers: ["ntp.dc1.example"] } };
    await settings.apply(declared);
    await set("ntp_servers", "ntp.ubuntu.com,10.0.0.1");
    const { settings: there } = (await settings.read()) as { settings: Properties };
    expect(there).toEqual({ enable_analytics: false, ntp_servers: ["ntp.ubuntu.com", "10.0.0.1"] });
    maas.front.take();
    await settings.apply(declared);
    expect(writes()).toBe(1);
    expect(await settings.differing(declared)).toEqual([]);
    await settings.delete();
    expect(await get("ntp_servers")).toBe("ntp.ubuntu.com");
  });

  test("restores the original value of a setting that is no longer declared, not one set in between", async () => {
    await set("http_proxy", "http://old.dc1.example:3128/");
    const settings = maas.resource("MaasSettings");
    await settings.apply({
      settings: { http_proxy: "http://one.dc1.example:3128/", enable_analytics: false },
    });
    await settings.apply({
      settings: { http_proxy: "http://two.dc1.example:3128/", enable_analytics: false },
    });
    const { before } = await settings.apply({ settings: { enable_analytics: false } });
    expect(await get("http_proxy")).toBe("http://old.dc1.example:3128/");
    expect(before).toEqual({ enable_analytics: true });
    await settings.delete();
    expect(await get("enable_analytics")).toBe(true);
    await set("http_proxy", "");
  });

  test("reports what a release without images needs, and keeps the settings made before it", async () => {
    const settings = maas.resource("MaasSettings");
    const error = await failed(
      settings.apply({ settings: { commissioning_distro_series: "jammy", enable_analytics: false } }),
    );
    expect(error.message).toMatch(
      /setting commissioning_distro_series of MAAS: MAAS says: .*'jammy' is not a valid commissioning_distro_series[\s\S]*images are imported/,
    );
    expect(await get("enable_analytics")).toBe(false);
    expect(error.partial?.properties.before).toEqual({
      commissioning_distro_series: "noble",
      enable_analytics: true,
    });
    settings.id = String(error.partial?.id);
    settings.stored = error.partial?.properties ?? {};
    await settings.delete();
    expect(await get("enable_analytics")).toBe(true);
  });

  test("warns on deletion that a release stays, if the previous release cannot be restored", async () => {
    const settings = maas.resource("MaasSettings");
    await settings.apply({ settings: { enable_analytics: false } });
    settings.stored = {
      ...settings.stored,
      before: { ...settings.stored.before, commissioning_distro_series: "focal" },
    };
    await settings.delete();
    expect(await get("enable_analytics")).toBe(true);
    expect(maas.logs.map(({ severity, message }) => [severity, message])).toContainEqual([
      "warning",
      expect.stringMatching(/commissioning_distro_series stays "noble".*"focal".*no longer has its image/),
    ]);
  });

  test("reads each setting once, one request at a time, for any number of resources", async () => {
    const declared = { settings: { ...profile, http_proxy: "", upstream_dns: [], ntp_servers: [] } };
    const resources = [
      maas.resource("MaasSettings"),
      maas.resource("MaasSettings"),
      maas.resource("MaasSettings"),
    ];
    for (const one of resources) await one.apply(declared);
    await maas.control({ slow: 0.05 });
    maas.front.take();
    maas.front.atOnce = 0;
    await Promise.all(resources.map((one) => one.read()));
    expect(maas.front.take()).toHaveLength(Object.keys(declared.settings).length);
    expect(maas.front.atOnce).toBe(1);
    await maas.control({ slow: 0 });
    for (const one of resources.reverse()) await one.delete();
  });
});
