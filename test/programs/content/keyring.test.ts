import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { trustedKeys } from "../../../content/openpgp/keyring.ts";
import { clearsign, newKey } from "../../unit/content/small-archive.ts";

const directory = mkdtempSync(join(tmpdir(), "keyring-test-"));
afterAll(() => rmSync(directory, { recursive: true }));

test("gpgv, which MAAS uses, can verify signatures with a keyring in binary form", async () => {
  const [one, two] = await Promise.all([newKey(), newKey()]);
  const keys = await trustedKeys(`${one.toPublic().armor()}${two.toPublic().armor()}`);
  const ring = join(directory, "keyring.gpg");
  const signed = join(directory, "index.sjson");
  writeFileSync(ring, keys.binary);
  writeFileSync(signed, await clearsign('{"a": 1}\n', two));
  execFileSync("gpgv", ["--keyring", ring, signed], { stdio: "pipe" });
  writeFileSync(signed, readFileSync(signed, "utf8").replace('"a": 1', '"a": 2'));
  expect(() => execFileSync("gpgv", ["--keyring", ring, signed], { stdio: "pipe" })).toThrow(/BAD signature/);
});
