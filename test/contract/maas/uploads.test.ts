import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { imagesKeyring, Mirror } from "./mirror.ts";
import { Region } from "./region.ts";
import { userKey } from "./region-process.ts";

const content = Buffer.from("the whole of an image");
const sha256 = createHash("sha256").update(content).digest("hex");
const asked = { name: "custom/img1", architecture: "amd64/generic", sha256, size: String(content.length) };

let mirror: Mirror;
let region: Region;

beforeAll(async () => {
  [mirror, region] = await Promise.all([Mirror.start(), Region.start()]);
});

afterAll(async () => {
  await region?.stop();
  mirror?.stop();
});

/** Declares an image. Returns the answer, with the address for its file. */
async function declare(fields: Readonly<Record<string, string>>) {
  const { status, json, text } = await region.post("boot-resources/", { ...asked, ...fields });
  if (status !== 201) throw new Error(text);
  const set = json.sets[Object.keys(json.sets).sort().at(-1) ?? ""];
  const [file] = Object.values<{ upload_uri: string }>(set.files);
  return { resource: json, set, upload: file?.upload_uri.replace("/MAAS/api/2.0/", "") ?? "" };
}

function put(upload: string, chunk: Uint8Array) {
  const headers = { "Content-Type": "application/octet-stream" };
  return region.send("PUT", upload, { body: new Uint8Array(chunk), headers });
}

test("an upload needs an Ubuntu image with which machines start", async () => {
  const { status, json } = await region.post("boot-resources/", asked);

  expect(status).toBe(400);
  expect(json).toEqual({
    architecture: ["'amd64/generic' is not a valid architecture.  It should be one of: '---'."],
  });
});

describe("with an Ubuntu image", () => {
  beforeAll(async () => {
    const keyring = await imagesKeyring();
    await region.addSource(`${mirror.url}x/`, keyring);
    const source = await region.addSource(mirror.url, keyring);
    await region.select(source, "ubuntu", "noble");
    await region.delete("boot-sources/1/");
    await region.import();
  });

  test("an image is declared, then sent in chunks that are appended", async () => {
    const { resource, set, upload } = await declare({ title: "Golden" });
    const half = await region.send("GET", `boot-resources/${resource.id}/`);
    const first = await put(upload, content.subarray(0, 10));
    const second = await put(upload, content.subarray(10));

    expect(resource).toMatchObject({
      type: "Uploaded",
      name: "img1",
      title: "Golden",
      base_image: "ubuntu/noble",
    });
    expect(set).toMatchObject({ label: "uploaded", complete: false, size: content.length });
    expect(half.json.sets[set.version].complete).toBe(false);
    expect([first.status, first.text, second.text]).toEqual([200, "OK", "OK"]);
    const whole = (await region.get(`boot-resources/${resource.id}/`)).json.sets[set.version];
    expect(whole).toMatchObject({
      complete: true,
      files: { "root.tgz": { complete: true, filetype: "root-tgz" } },
    });
    expect(whole.files["root.tgz"]).not.toHaveProperty("upload_uri");
    expect((await put(upload, content)).text).toBe("Cannot upload to a complete file.");
  });

  test("an image declared again keeps its id and gets another version of the same day", async () => {
    const before = await declare({ name: "twice" });
    const { resource, set } = await declare({ name: "custom/twice" });

    expect(resource.id).toBe(before.resource.id);
    expect(set.version).toBe(`${before.set.version}.1`);
    expect(resource.sets[before.set.version].files).toEqual({});
  });

  test.each([
    ["nothing", Buffer.alloc(0), "Missing data."],
    ["too much", Buffer.alloc(content.length + 1), "Too much data received."],
    ["something else", Buffer.alloc(content.length), "Saved content does not match given SHA256 value."],
  ])(
    "wrong content (%s) is refused, and the right content is accepted after it",
    async (name, chunk, message) => {
      const { upload } = await declare({ name: name.replaceAll(" ", "-") });
      const refused = await put(upload, chunk);

      expect([refused.status, refused.text]).toEqual([400, message]);
      expect((await put(upload, content)).text).toBe("OK");
    },
  );

  test("an upload continues from what has arrived after the region is killed and restarted", async () => {
    const { upload } = await declare({ name: "interrupted" });
    await put(upload, content.subarray(0, 10));
    await region.kill();
    await region.boot();

    expect((await put(upload, content.subarray(10))).text).toBe("OK");
  });

  test("content is refused while the disk is full, and accepted afterwards", async () => {
    const { upload } = await declare({ name: "large" });
    await region.control({ diskFull: true });
    const { status } = await put(upload, content);
    await region.control({ diskFull: false });

    expect(status).toBe(500);
    expect((await put(upload, content)).status).toBe(200);
  });

  test.each([
    [{ name: "ubuntu/noble" }, { name: ["ubuntu/noble is a reserved name"] }],
    [{ name: "noble" }, { name: ["noble is a reserved name"] }],
    [{ name: "centos77" }, { name: ["centos77 is a reserved name"] }],
    [{ sha256: "0a" }, { sha256: ["Ensure this value has at least 64 characters (it has 2)."] }],
    [{ size: "some" }, { size: ["Enter a whole number."] }],
    [{ filetype: "iso" }, { filetype: ["Select a valid choice. iso is not one of the available choices."] }],
    [{ base_image: "noble" }, { base_image: ["a base image must follow the format: <osystem>/<series>"] }],
  ])("a declaration with %j is refused", async (fields, errors) => {
    const { status, json } = await region.post("boot-resources/", { ...asked, ...fields });

    expect(status).toBe(400);
    expect(json).toEqual(errors);
  });

  test("a name with two slashes makes MAAS fail with status 500", async () => {
    const { status, text } = await region.post("boot-resources/", { ...asked, name: "a/b/c" });

    expect([status, text]).toEqual([500, "too many values to unpack (expected 2)"]);
  });

  test("the request that declares an image can have its whole content", async () => {
    const { status, json } = await region.post("boot-resources/", {
      name: "at-once",
      architecture: "amd64/generic",
      content: new Uint8Array(content),
    });

    expect(status).toBe(201);
    expect(Object.values(json.sets)).toMatchObject([{ complete: true, files: { "root.tgz": { sha256 } } }]);
  });

  test("content for an image that MAAS fetched is refused", async () => {
    const { json } = await region.get("boot-resources/?type=synced");
    const { sets } = (await region.get(`boot-resources/${json[0].id}/`)).json;
    const { upload } = await declare({ name: "anything" });
    const fileId = Number(/upload\/(\d+)/.exec(upload)?.[1]);

    expect(Object.keys(sets)).toHaveLength(1);
    expect((await put(`boot-resources/${json[0].id}/upload/${fileId}/`, content)).status).toBe(403);
  });

  test("an image can be deleted only by an administrator, and only once", async () => {
    const { resource } = await declare({ name: "short-lived" });
    const path = `boot-resources/${resource.id}/`;
    const byUser = await region.send("DELETE", path, { key: userKey });

    expect([byUser.status, byUser.text]).toEqual([403, "This method is reserved for admin users."]);
    expect((await region.delete(path)).status).toBe(204);
    const again = await region.delete(path);
    expect([again.status, again.text]).toEqual([500, "BootResource matching query does not exist."]);
    expect((await region.get(path)).text).toBe("No BootResource matches the given query.");
  });

  test("images can be listed by type, and an unknown type is refused", async () => {
    const kinds = async (query: string) => {
      const { json } = await region.get(`boot-resources/${query}`, userKey);
      return new Set(json.map(({ type }: { type: string }) => type));
    };

    expect(await kinds("?type=uploaded")).toEqual(new Set(["Uploaded"]));
    expect(await kinds("")).toEqual(new Set(["Synced", "Uploaded"]));
    const { status, text } = await region.get("boot-resources/?type=bogus");
    expect([status, text]).toEqual([
      400,
      "'bogus' is not a valid boot resource type. Available types: ['synced', 'uploaded']",
    ]);
  });

  test("an architecture that no Ubuntu image has is refused", async () => {
    const { status, json } = await region.post("boot-resources/", {
      ...asked,
      architecture: "sparc/generic",
    });

    expect(status).toBe(400);
    expect(json).toEqual({
      architecture: ["'sparc/generic' is not a valid architecture.  It should be one of: 'amd64/generic'."],
    });
  });

  test("a known digest with another size is refused in plain text, and no image is kept", async () => {
    await declare({ name: "sized" });
    const { status, text, headers } = await region.post("boot-resources/", {
      ...asked,
      name: "resized",
      size: String(content.length + 1),
    });

    expect([status, text]).toEqual([400, "File already exists with sha256 that is of different size."]);
    expect(headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
    expect((await region.get("boot-resources/?type=uploaded")).text).not.toContain('"resized"');
  });
});
