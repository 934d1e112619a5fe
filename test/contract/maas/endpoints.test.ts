import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { until } from "../../../lab/until.ts";
import { addSource, ask, fieldsOf, select } from "./client.ts";
import { RegionProcess, userKey } from "./region-process.ts";
import { deadPort, StreamServer } from "./stream-server.ts";

/*
 * Observed behaviour of MAAS 3.6.5 that is not in the recordings.
 */

let region: RegionProcess;
let stream: StreamServer;

beforeAll(async () => {
  [region, stream] = await Promise.all([
    RegionProcess.start("3.6", "--import-interval", "0"),
    StreamServer.start(),
  ]);
});

afterAll(async () => {
  stream?.stop();
  await region?.stop();
});

const get = (path: string) => ask(region, "GET", path);
const post = (path: string, values: Readonly<Record<string, string>>) =>
  ask(region, "POST", path, fieldsOf(values));

describe("DNS names", () => {
  test("the default domain cannot be deleted; other domains can be made and deleted", async () => {
    expect((await get("domains/")).body).toMatchObject([{ id: 0, name: "maas", is_default: true }]);
    expect(await ask(region, "DELETE", "domains/0/")).toEqual({
      status: 400,
      body: "This domain is the default domain, it cannot be deleted.",
    });

    const made = await post("domains/", { name: "gone.example", ttl: "60" });
    expect(made).toMatchObject({
      status: 200,
      body: {
        name: "gone.example",
        authoritative: true,
        ttl: 60,
        is_default: false,
        resource_record_count: 0,
      },
    });
    expect((await ask(region, "DELETE", `domains/${made.body.id}/`)).status).toBe(204);
    expect(await get(`domains/${made.body.id}/`)).toEqual({
      status: 404,
      body: "No Domain matches the given query.",
    });
  });

  test("MAAS accepts and changes records for a name of the Internet", async () => {
    const domain = (await post("domains/", { name: "images.maas.io" })).body;
    const apex = { fqdn: "images.maas.io", ip_addresses: "10.0.0.5 10.0.0.6" };

    const made = await post("dnsresources/", apex);

    expect(made).toMatchObject({
      status: 200,
      body: {
        fqdn: "images.maas.io",
        address_ttl: null,
        ip_addresses: [{ ip: "10.0.0.5" }, { ip: "10.0.0.6" }],
      },
    });
    expect((await get(`domains/${domain.id}/`)).body.resource_record_count).toBe(2);
    expect((await post("dnsresources/", apex)).body).toEqual({
      __all__: ["Labels must be unique within their zone."],
    });
    const changed = await ask(
      region,
      "PUT",
      `dnsresources/${made.body.id}/`,
      fieldsOf({ ip_addresses: "10.0.0.7" }),
    );
    expect(changed.body).toMatchObject({ fqdn: "images.maas.io", ip_addresses: [{ ip: "10.0.0.7" }] });
  });

  test("a name needs an existing domain and a valid address", async () => {
    expect(await post("dnsresources/", { fqdn: "a.nowhere.example", ip_addresses: "10.0.0.5" })).toEqual({
      status: 404,
      body: "No Domain matches the given query.",
    });
    const host = { name: "mirror", domain: "maas" };
    expect((await post("dnsresources/", { ...host, ip_addresses: "bad" })).status).toBe(500);
    expect((await post("dnsresources/", { ...host, ip_addresses: "10.0.0.5" })).body.fqdn).toBe(
      "mirror.maas",
    );
    expect((await get("dnsresources/999/")).body).toBe("No DNSResource matches the given query.");
  });

  test("only administrators can make domains", async () => {
    const answer = await ask(region, "POST", "domains/", fieldsOf({ name: "x.example" }), { key: userKey });

    expect(answer).toEqual({ status: 403, body: "This method is reserved for admin users." });
  });
});

describe("settings that depend on images", () => {
  const set = (name: string, value: string) => post("maas/?op=set_config", { name, value });

  test("a release can be set as soon as its images are imported, and not before", async () => {
    await addSource(region, `http://127.0.0.1:${await deadPort()}/first/`, stream.keyring);
    const source = await addSource(region, stream.url, stream.keyring);
    await select(region, source, "ubuntu", "noble");
    await select(region, source, "rhel", "rocky9");
    expect((await set("commissioning_distro_series", "noble")).body).toHaveProperty(
      "commissioning_distro_series",
    );

    await post("boot-resources/?op=import", {});
    // The unreachable first source fails the whole import until it is deleted.
    await ask(region, "DELETE", "boot-sources/1/");
    await until("the images", 20_000, async () => {
      await post("boot-resources/?op=import", {});
      return (await set("commissioning_distro_series", "noble")).status === 200;
    });

    expect((await set("commissioning_distro_series", "jammy")).body).toEqual({
      commissioning_distro_series: [
        "'jammy' is not a valid commissioning_distro_series.  It should be one of: 'noble'.",
      ],
    });
    // The images arrive one after the other, and at the end of its first import MAAS sets the defaults itself.
    await until("the end of the import", 20_000, async () => {
      return (await get("boot-resources/?op=is_importing")).body === false;
    });
    expect((await set("default_osystem", "rhel")).status).toBe(200);
    expect((await set("default_distro_series", "rocky9")).status).toBe(200);
    expect((await get("maas/?op=get_config&name=default_distro_series")).body).toBe("rocky9");
  });
});

test("a failed fetch of a source is shown to each user until that user dismisses it", async () => {
  const dead = `http://127.0.0.1:${await deadPort()}/`;
  await addSource(region, dead, stream.keyring);
  const ofImporter = async (key?: string) => {
    const { body } = await ask(region, "GET", "notifications/", [], ...(key === undefined ? [] : [{ key }]));
    return body.filter(({ ident }: { readonly ident: string }) => ident === "Image importer");
  };
  // There is only one notification for all failures. It has the last failure.
  await until("a notification", 10_000, async () => {
    const messages = (await ofImporter()).map(({ message }: { readonly message: string }) => message);
    return messages.length === 1 && messages[0].includes(dead);
  });

  const [{ id, category, message }] = await ofImporter(userKey);
  expect({ category, message }).toEqual({
    category: "error",
    message: expect.stringContaining(`Failed to import images from ${dead}`),
  });
  expect((await post(`notifications/${id}/?op=dismiss`, {})).status).toBe(200);
  expect(await ofImporter()).toEqual([]);
  expect(await ofImporter(userKey)).toHaveLength(1);
});

test("a request that racks import is no longer accepted", async () => {
  expect(await post("rackcontrollers/?op=import_boot_images", {})).toEqual({
    status: 400,
    body: "Unrecognised signature: method=POST op=import_boot_images",
  });
});

test("the description of the API is readable without a key", async () => {
  const response = await fetch(`${region.origin}/MAAS/api/2.0/describe/`);
  expect(response.status).toBe(200);
  expect(JSON.stringify(await response.json())).toContain("/MAAS/api/2.0/boot-sources/");
});

describe("the list of DNS names", () => {
  test("can be filtered by domain, by name, and by both", async () => {
    const { body: zone } = await post("domains/", { name: "filtered.example" });
    await post("dnsresources/", { fqdn: "b.filtered.example", ip_addresses: "10.0.0.9" });
    await post("dnsresources/", { fqdn: "a.filtered.example" });
    const names = async (query: string) =>
      (await get(`dnsresources/?${query}`)).body.map(({ fqdn }: { readonly fqdn: string }) => fqdn);
    const all = ["a.filtered.example", "b.filtered.example"];
    expect(await names("domain=filtered.example")).toEqual(all);
    expect(await names(`domain=${zone.id}`)).toEqual(all);
    expect(await names("fqdn=b.filtered.example")).toEqual(["b.filtered.example"]);
    expect(await names("domain=filtered.example&name=a")).toEqual(["a.filtered.example"]);
    expect(await get("dnsresources/?domain=nowhere.example")).toEqual({
      status: 404,
      body: "No Domain matches the given query.",
    });
  });
});
