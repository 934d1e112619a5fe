import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { parseApiKey } from "../../../maas/api-key.ts";
import { MaasClient, type MaasConnection } from "../../../maas/client.ts";
import { directTransport } from "../../../maas/direct-transport.ts";
import { isImporting, listBootResources } from "../../../maas/operations/boot-resources.ts";
import {
  createBootSource,
  deleteBootSource,
  listBootSources,
  updateBootSource,
} from "../../../maas/operations/boot-sources.ts";
import { getConfig, setConfig } from "../../../maas/operations/config.ts";
import { listNotifications } from "../../../maas/operations/notifications.ts";
import {
  createPackageRepository,
  deletePackageRepository,
  listPackageRepositories,
  updatePackageRepository,
} from "../../../maas/operations/package-repositories.ts";
import { createSelection, listSelections } from "../../../maas/operations/selections.ts";
import { whoami } from "../../../maas/operations/users.ts";
import { comparedTo, readVersion } from "../../../maas/operations/version.ts";
import type { MaasRefusal } from "../../../maas/refusal.ts";
import { control } from "./control.ts";
import { adminKey, RegionProcess, userKey } from "./region-process.ts";
import { TlsFront } from "./tls-front.ts";

let folder: string;
let socket: string;
let region: RegionProcess;
let front: TlsFront;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "airgapped-maas-test-"));
  socket = join(folder, "control");
  region = await RegionProcess.start("3.6", "--control", socket);
  front = await TlsFront.start(region.origin);
});
afterAll(async () => {
  await front.stop();
  await region.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  front.take();
});

function client(settings: Partial<MaasConnection> = {}): MaasClient {
  return new MaasClient({
    url: front.url,
    key: parseApiKey(adminKey),
    transport: directTransport({ ca: front.ca }),
    retryPauses: [10, 10],
    ...settings,
  });
}

async function refused(call: Promise<unknown>): Promise<MaasRefusal> {
  return (await call.then(
    () => undefined,
    (error) => error,
  )) as MaasRefusal;
}

describe("the client and a region", () => {
  test("agree on the version and the users", async () => {
    const maas = client();
    const version = await readVersion(maas);
    expect(version.text).toMatch(/^3\.6\./);
    expect(comparedTo(version, 3, 4)).toBeGreaterThan(0);
    expect(comparedTo(version, 3, 6)).toBe(0);
    expect(comparedTo(version, 3, 8)).toBeLessThan(0);
    expect(await whoami(maas)).toEqual({ name: "admin", isAdministrator: true });
    expect(await whoami(client({ key: parseApiKey(userKey) }))).toEqual({
      name: "user1",
      isAdministrator: false,
    });
  });

  test("agree on settings, including Django's form of booleans and of empty values", async () => {
    const maas = client();
    expect(await getConfig(maas, "http_proxy")).toBe(null);
    await setConfig(maas, "http_proxy", "http://proxy.dc1.example:3128/");
    await setConfig(maas, "enable_http_proxy", false);
    await setConfig(maas, "upstream_dns", "10.0.0.53, 10.0.0.54");
    expect(await getConfig(maas, "http_proxy")).toBe("http://proxy.dc1.example:3128/");
    expect(await getConfig(maas, "enable_http_proxy")).toBe(false);
    expect(await getConfig(maas, "upstream_dns")).toBe("10.0.0.53 10.0.0.54");
    await setConfig(maas, "http_proxy", null);
    await setConfig(maas, "enable_http_proxy", true);
    expect([await getConfig(maas, "http_proxy"), await getConfig(maas, "enable_http_proxy")]).toEqual([
      "",
      true,
    ]);
    const series = await refused(setConfig(maas, "commissioning_distro_series", "jammy"));
    expect(series.message).toMatch(/not a valid commissioning_distro_series[\s\S]*images are imported/);
  });

  test("agree on package repositories, and clear their lists", async () => {
    const maas = client();
    const [main, ports] = await listPackageRepositories(maas);
    expect([main, ports]).toMatchObject([
      { id: 1, name: "main_archive", arches: ["amd64", "i386"], disableSources: true, key: "" },
      { id: 2, name: "ports_archive" },
    ]);
    const made = await createPackageRepository(maas, "own", {
      url: "http://mirror.dc1.example/own",
      components: ["main", "extra"],
      distributions: ["noble"],
      disableSources: true,
      key: "\nkey\n",
    });
    expect(made).toMatchObject({ components: ["main", "extra"], disableSources: true, key: "key" });
    const cleared = { components: [], distributions: [], disableSources: false };
    expect(await updatePackageRepository(maas, made.id, cleared)).toMatchObject(cleared);
    const wrong = await refused(updatePackageRepository(maas, made.id, { disabledComponents: ["universe"] }));
    expect(wrong.says(/This is a custom repository/, "disabled_components")).toBe(true);
    await deletePackageRepository(maas, made.id);
    expect((await refused(deletePackageRepository(maas, made.id))).status).toBe(404);
    const kept = await refused(deletePackageRepository(maas, 1));
    expect(kept.explanation.remedy).toMatch(/Change their URLs instead/);
  });

  test("agree on boot sources, whose keyring is sent as a file each time", async () => {
    const maas = client();
    const url = "http://127.0.0.1:99/images/";
    const data = Buffer.from([0x99, 0x0d, 0x0a, 0, 0xff]);
    const made = await createBootSource(maas, { url, keyring: { filename: "/usr/share/keyrings/x.gpg" } });
    expect(made).toMatchObject({ url, keyringFilename: "/usr/share/keyrings/x.gpg" });
    for (const _ of [1, 2]) {
      const changed = await updateBootSource(maas, made.id, { url, keyring: { data } });
      expect([changed.keyring.equals(data), changed.keyringFilename]).toEqual([true, ""]);
    }
    expect((await listBootSources(maas)).map(({ id }) => id)).toContain(made.id);
    expect(await listSelections(maas, made.id)).toEqual([]);
    const selection = { os: "ubuntu", release: "noble", arches: ["amd64"], subarches: ["*"], labels: ["*"] };
    const early = await refused(createSelection(maas, made.id, selection));
    expect(early.says(/has no available images for download/, "os")).toBe(true);
    await deleteBootSource(maas, made.id);
    expect(await listBootResources(maas, "uploaded")).toEqual([]);
    expect(await isImporting(maas)).toBe(false);
    expect(await listNotifications(maas)).toBeInstanceOf(Array);
  });

  test("exchange one request at a time, for all callers together", async () => {
    const maas = client();
    front.atOnce = 0;
    await Promise.all(Array.from({ length: 10 }, () => getConfig(maas, "http_proxy")));
    expect([front.take().length, front.atOnce]).toEqual([10, 1]);
  });
});

describe("the client", () => {
  test("repeats a request that fails on the way only if it is a read", async () => {
    front.next.push(502, "cut");
    expect(await getConfig(client(), "ntp_external_only")).toBe(false);
    expect(front.take()).toHaveLength(3);
    for (const fault of [503, "cut"] as const) {
      front.next.push(fault);
      expect((await refused(setConfig(client(), "ntp_external_only", false))).message).toMatch(/What to do/);
      expect(front.take()).toHaveLength(1);
    }
  });

  test("signs each request with a new nonce, also a repeated one", async () => {
    const maas = client();
    front.next.push("pass", 502, "cut");
    for (let request = 0; request < 3; request++) await getConfig(maas, "http_proxy");
    await setConfig(maas, "ntp_external_only", false);
    await getConfig(client(), "http_proxy");
    const nonces = front.seen.map(({ authorization }) => /oauth_nonce="([^"]+)"/.exec(authorization)?.[1]);
    expect(nonces).toHaveLength(3 + 2 + 1 + 1);
    expect(nonces).not.toContain(undefined);
    expect(new Set(nonces).size).toBe(nonces.length);
  });

  test("does not follow a redirect, and names its target", async () => {
    front.next.push("redirect");
    const error = await refused(setConfig(client(), "ntp_external_only", true));
    expect(error.message).toMatch(
      /redirects to https:\/\/other.example\/[\s\S]*Declare that address in maas\.url/,
    );
    expect(error.message).not.toContain("is not known");
    expect(await getConfig(client(), "ntp_external_only")).toBe(false);
  });

  test("stops before it sends the key if the certificate is not accepted or there is no https", async () => {
    const stranger = await refused(readVersion(client({ transport: directTransport() })));
    expect(stranger.message).toMatch(/certificate is not accepted[\s\S]*maas.ca/);
    const plain = client({ url: `${region.origin}/MAAS` });
    expect((await refused(readVersion(plain))).message).toMatch(/must not be sent unencrypted/);
    expect(front.take()).toEqual([]);
  });

  test("reports a refused key without the secrets in MAAS's answer", async () => {
    const [consumer, token] = adminKey.split(":");
    for (const key of [
      `${consumer}:${token}:${"w".repeat(32)}`,
      `${"x".repeat(18)}:${token}:${"w".repeat(32)}`,
    ]) {
      const error = await refused(whoami(client({ key: parseApiKey(key) })));
      expect(error.message).toMatch(/refuses the API key/);
      expect(`${error.message}${error.stack}${JSON.stringify(error.fields)}`).not.toMatch(/adminsecret|wwww/);
    }
    const forbidden = await refused(listBootSources(client({ key: parseApiKey(userKey) })));
    expect([forbidden.status, forbidden.explanation.remedy]).toEqual([
      403,
      expect.stringMatching(/administrator/),
    ]);
  });

  test("uses MAAS's time if the clocks differ, and reports the difference once", async () => {
    await control(socket, { clockOffset: 600 });
    try {
      const warnings: string[] = [];
      const maas = client({ warn: (line) => warnings.push(line) });
      await setConfig(maas, "ntp_external_only", false);
      expect(await whoami(maas)).toMatchObject({ name: "admin" });
      expect(front.take()).toHaveLength(3);
      expect(warnings).toEqual([expect.stringMatching(/MAAS's clock is 10 minutes ahead/)]);
    } finally {
      await control(socket, { clockOffset: 0 });
    }
  });

  test("names maas.url in the remedy for a wrong path of the URL", async () => {
    const error = await refused(readVersion(client({ url: front.url.replace("MAAS", "maas") })));
    expect(error.explanation.remedy).toContain("maas.url");
  });
});
