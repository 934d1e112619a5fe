import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { Region } from "./region.ts";

const data = new Uint8Array([0x99, 0, 0xff]);
const either = "One of keyring_data or keyring_filename must be specified.";
const notBoth = "Only one of keyring_filename or keyring_data can be specified.";

let region: Region;
let made = 0;
let url: string;

beforeAll(async () => {
  region = await Region.start();
});

afterAll(() => region?.stop());

beforeEach(() => {
  made += 1;
  url = `http://mirror${made}.internal/`;
});

async function sourceWith(
  keyring: { keyring_filename: string } | { keyring_data: Uint8Array },
): Promise<string> {
  return `boot-sources/${(await region.post("boot-sources/", { url, ...keyring })).json.id}/`;
}

describe("a source with its keyring in a file on the host", () => {
  test("keeps the file if a request does not name a keyring", async () => {
    const path = await sourceWith({ keyring_filename: "/a.gpg" });
    const before = (await region.get(path)).json;
    const { status, json } = await region.put(path, {});

    expect(status).toBe(200);
    expect(json).toEqual({ ...before, updated: json.updated });
    expect(json.updated > before.updated).toBe(true);
  });

  test("accepts data only if the same request clears the file name", async () => {
    const path = await sourceWith({ keyring_filename: "/a.gpg" });
    const both = await region.put(path, { keyring_data: data });
    const { status, json } = await region.put(path, { keyring_data: data, keyring_filename: "" });

    expect([both.status, both.json]).toEqual([400, { __all__: [notBoth] }]);
    expect(status).toBe(200);
    expect(json).toMatchObject({ keyring_filename: "", keyring_data: Buffer.from(data).toString("base64") });
  });

  test("cannot be left without a keyring", async () => {
    const path = await sourceWith({ keyring_filename: "/a.gpg" });

    expect((await region.put(path, { keyring_filename: "" })).json).toEqual({ __all__: [either] });
  });
});

describe("a source with its keyring as data", () => {
  const bug = "'memoryview' object has no attribute 'read'";

  test.each([
    ["nothing", {}],
    ["its URL", { url: "http://elsewhere.internal/" }],
    ["a keyring file on the host", { keyring_filename: "/a.gpg" }],
    ["the keyring as text", { keyring_data: "mQD/" }],
  ])("makes MAAS fail on a PUT with %s and without the keyring", async (_, fields) => {
    const path = await sourceWith({ keyring_data: data });
    const before = (await region.get(path)).text;
    const { status, text } = await region.put(path, fields);
    const json = await region.send("PUT", path, {
      body: JSON.stringify(fields),
      headers: { "Content-Type": "application/json" },
    });

    expect([status, text]).toEqual([500, bug]);
    expect([json.status, json.text]).toEqual([500, bug]);
    expect((await region.get(path)).text).toBe(before);
  });

  test("can be changed by a request that has the keyring", async () => {
    const path = await sourceWith({ keyring_data: data });
    const { status, json } = await region.put(path, { url: `${url}new/`, keyring_data: data });

    expect([status, json.url]).toEqual([200, `${url}new/`]);
  });

  test("can no longer get a keyring in a file on the host", async () => {
    const path = await sourceWith({ keyring_data: data });

    expect((await region.put(path, { keyring_data: data, keyring_filename: "/a.gpg" })).json).toEqual({
      __all__: [notBoth],
    });
    expect(
      (await region.put(path, { keyring_data: new Uint8Array(), keyring_filename: "/a.gpg" })).json,
    ).toEqual({
      keyring_data: ["The submitted file is empty."],
    });
  });
});
