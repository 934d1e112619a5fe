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

describe("a source that has its keyring in a file of the host", () => {
  test("keeps it when nothing is said of it", async () => {
    const path = await sourceWith({ keyring_filename: "/a.gpg" });
    const before = (await region.get(path)).json;
    const { status, json } = await region.put(path, {});

    expect(status).toBe(200);
    expect(json).toEqual({ ...before, updated: json.updated });
    expect(json.updated > before.updated).toBe(true);
  });

  test("takes data only when the file is given up in the same request", async () => {
    const path = await sourceWith({ keyring_filename: "/a.gpg" });
    const both = await region.put(path, { keyring_data: data });
    const { status, json } = await region.put(path, { keyring_data: data, keyring_filename: "" });

    expect([both.status, both.json]).toEqual([400, { __all__: [notBoth] }]);
    expect(status).toBe(200);
    expect(json).toMatchObject({ keyring_filename: "", keyring_data: Buffer.from(data).toString("base64") });
  });

  test("cannot be left without any", async () => {
    const path = await sourceWith({ keyring_filename: "/a.gpg" });

    expect((await region.put(path, { keyring_filename: "" })).json).toEqual({ __all__: [either] });
  });
});

describe("a source that has its keyring with it", () => {
  const bug = "'memoryview' object has no attribute 'read'";

  test.each([
    ["nothing", {}],
    ["its address", { url: "http://elsewhere.internal/" }],
    ["a file of the host", { keyring_filename: "/a.gpg" }],
    ["data as text", { keyring_data: "mQD/" }],
  ])("makes MAAS fail when %s is put without the keyring", async (_, fields) => {
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

  test("can be changed with it", async () => {
    const path = await sourceWith({ keyring_data: data });
    const { status, json } = await region.put(path, { url: `${url}new/`, keyring_data: data });

    expect([status, json.url]).toEqual([200, `${url}new/`]);
  });

  test("cannot have it in a file of the host from then on", async () => {
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
