import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { archiveKey } from "../../../lab/archive/openpgp-key.ts";
import { imagesKeyring, Mirror } from "./mirror.ts";
import { Region } from "./region.ts";
import { deadPort } from "./stream-server.ts";

/*
 * The fetch of a boot source after MAAS has accepted it, which it always does.
 */

let mirror: Mirror;
let keyring: Buffer;
let region: Region;

beforeAll(async () => {
  [mirror, keyring] = await Promise.all([Mirror.start(), imagesKeyring()]);
});

afterAll(() => mirror?.stop());

beforeEach(async () => {
  region = await Region.start();
  mirror.instead.clear();
});

afterEach(() => region.stop());

/** Adds and deletes the first source, which MAAS does not fetch when it is saved. Later sources are fetched. */
async function withoutTheFirst(): Promise<void> {
  const id = await region.addSource("http://first.internal/", Buffer.from("x"));
  await region.delete(`boot-sources/${id}/`);
  await region.refreshEnds(1);
}

async function offers(source: number): Promise<boolean> {
  const asked = { os: "ubuntu", release: "noble", arches: "amd64", subarches: "*", labels: "*" };
  return (await region.post(`boot-sources/${source}/selections/`, asked)).status === 200;
}

describe("a source that is made or changed", () => {
  test("is not fetched if it is the first one, until another source is made", async () => {
    const first = await region.addSource(mirror.url, keyring);
    await region.put(`boot-sources/${first}/`, { url: mirror.url, keyring_data: keyring });
    await region.post("boot-sources/", { url: `${mirror.url}other/`, keyring_data: keyring });
    await region.refreshEnds(1);

    expect(region.refreshes).toBe(1);
    expect(await offers(first)).toBe(true);
  });

  test("has no images to select before it is fetched", async () => {
    await withoutTheFirst();
    const source = await region.addSource(mirror.url, keyring);

    expect(await offers(source)).toBe(false);
    await region.refreshEnds(2);
    expect(await offers(source)).toBe(true);
  });

  test.each([
    ["has no slash at the end", (url: string) => url.slice(0, -1)],
    ["names its index", (url: string) => `${url}streams/v1/index.sjson`],
    ["names its unsigned index", (url: string) => `${url}streams/v1/index.json`],
    ["names a product file", (url: string) => `${url}streams/v1/com.ubuntu.maas:stable:v3:download.sjson`],
  ])("is also fetched when its URL %s", async (_, named) => {
    await withoutTheFirst();
    const url = named(mirror.url);
    const source = await region.addSource(url, url.endsWith(".json") ? Buffer.from("x") : keyring);
    await region.refreshEnds(2);

    expect(await offers(source)).toBe(true);
  });
});

describe("a source that cannot be fetched", () => {
  test("is reported in a notification and skipped, when it is missing or unreachable", async () => {
    await withoutTheFirst();
    await region.addSource(`${mirror.url}nothing/`, keyring);
    await region.addSource(`http://127.0.0.1:${await deadPort()}/`, keyring);
    const good = await region.addSource(mirror.url, keyring);
    await region.refreshEnds(4);

    const message = (await region.notifications()).get("Image importer") ?? "";
    expect(message).toContain(`Failed to import images from ${mirror.url}nothing/: `);
    expect(message.split("<br>")).toHaveLength(2);
    expect(await offers(good)).toBe(true);
  });

  test("is no longer reported in a notification once it can be fetched", async () => {
    await withoutTheFirst();
    const source = await region.addSource(`${mirror.url}nothing/`, keyring);
    await region.refreshEnds(2);
    await region.put(`boot-sources/${source}/`, { url: mirror.url, keyring_data: keyring });
    await region.refreshEnds(3);

    expect([...(await region.notifications()).keys()]).not.toContain("Image importer");
  });

  test("is reported with another message when it has no signature", async () => {
    await withoutTheFirst();
    mirror.instead.set("index.sjson", Buffer.from("{}"));
    await region.addSource(mirror.url, keyring);
    await region.refreshEnds(2);

    expect((await region.notifications()).get("Image importer")).toBe(
      `Failed to import images from ${mirror.url} (No signature found!). Verify network connectivity and try again.`,
    );
  });

  test.each([
    ["is signed by another key", strangersKeyring],
    ["has an armored keyring", async () => Buffer.from((await archiveKey("images")).publicArmored)],
  ])("is not reported when it %s, and later sources are not fetched", async (_, wrong) => {
    await withoutTheFirst();
    const bad = await region.addSource(mirror.url, await wrong());
    const later = await region.addSource(`${mirror.url}streams/v1/index.json`, keyring);
    await region.refreshEnds(3);

    expect([...(await region.notifications()).keys()]).not.toContain("Image importer");
    expect([await offers(bad), await offers(later)]).toEqual([false, false]);
  });

  test("is not reported when the file of its keyring is missing, and no source is fetched", async () => {
    await withoutTheFirst();
    const before = await region.addSource(mirror.url, keyring);
    const url = `${mirror.url}streams/v1/index.json`;
    await region.post("boot-sources/", { url, keyring_filename: "/nowhere.gpg" });
    await region.refreshEnds(3);

    expect([...(await region.notifications()).keys()]).not.toContain("Image importer");
    expect(await offers(before)).toBe(false);
  });

  test("prevents the fetch of the other sources when one of its products has no label", async () => {
    await withoutTheFirst();
    const list = {
      format: "products:1.0",
      content_id: "a",
      products: { p: { arch: "amd64", release: "x", versions: version } },
    };
    mirror.instead.set("odd.json", Buffer.from(JSON.stringify(list)));
    await region.addSource(`${mirror.url}streams/v1/odd.json`, Buffer.from("x"));
    const later = await region.addSource(mirror.url, keyring);
    await region.refreshEnds(3);

    expect(await offers(later)).toBe(false);
    expect(region.log).toContain("KeyError: 'label'");
  });
});

const version = {
  "20260101": { items: { "root-tgz": { ftype: "root-tgz", path: "x", sha256: "0", size: 1 } } },
};

async function strangersKeyring(): Promise<Buffer> {
  return readFileSync((await archiveKey("stranger")).keyringFile);
}
