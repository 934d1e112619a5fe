import { describe, expect, test } from "@jest/globals";
import { trustedKeys, ubuntuImageKeys } from "../../../content/openpgp/keyring.ts";

describe("a keyring", () => {
  test("has the keys of images.maas.io built in, by their full fingerprints", async () => {
    const keys = await trustedKeys(ubuntuImageKeys, []);
    expect(keys.fingerprints).toEqual(ubuntuImageKeys);
    expect((await trustedKeys(keys.armored, [])).fingerprints).toEqual(ubuntuImageKeys);
    expect((await trustedKeys(keys.binary, [])).fingerprints).toEqual(ubuntuImageKeys);
  });

  test("of several keys is refused if one of the fingerprints is in no keyring", async () => {
    await expect(trustedKeys([...ubuntuImageKeys, "0".repeat(40)], [])).rejects.toThrow(/in no keyring/);
  });
});
