import { describe, expect, test } from "@jest/globals";
import { encoded } from "../../../maas/request-body.ts";

describe("the body of a request", () => {
  const fields = { name: "größer & mehr", enabled: false, arches: ["amd64", "arm64"], size: 3 };

  test("as a form repeats the field for each element of a list, and writes booleans as Django reads them", () => {
    const { type, bytes } = encoded({ form: fields });
    expect(type).toBe("application/x-www-form-urlencoded");
    expect([...new URLSearchParams(bytes.toString())]).toEqual([
      ["name", "größer & mehr"],
      ["enabled", "false"],
      ["arches", "amd64"],
      ["arches", "arm64"],
      ["size", "3"],
    ]);
  });

  test("as multipart has each file unchanged in a part with a file name", async () => {
    const keyring = Buffer.from([0x99, 0, 0x0d, 0x0a, 0xff]);
    const { type, bytes } = encoded({ multipart: fields, files: { keyring_data: keyring } });
    const read = await new Response(bytes, { headers: { "content-type": type } }).formData();
    expect(read.getAll("arches")).toEqual(["amd64", "arm64"]);
    expect(read.get("name")).toBe("größer & mehr");
    const file = read.get("keyring_data") as File;
    expect(Buffer.from(await file.arrayBuffer()).equals(keyring)).toBe(true);
  });

  test("as JSON can have an empty list, and as octets has the same bytes", () => {
    expect(encoded({ json: { components: [] } }).bytes.toString()).toBe('{"components":[]}');
    const octets = Buffer.from([0, 1, 2]);
    expect(encoded({ octets })).toEqual({ type: "application/octet-stream", bytes: octets });
  });
});
