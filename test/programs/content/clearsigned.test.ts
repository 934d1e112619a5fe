import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { trustedKeys } from "../../../content/openpgp/keyring.ts";
import { verifyClearsigned } from "../../../content/openpgp/verify.ts";
import { clearsign, newKey, now } from "../../unit/content/small-archive.ts";

const directory = mkdtempSync(join(tmpdir(), "clearsigned-test-"));
afterAll(() => rmSync(directory, { recursive: true }));

const key = await newKey();
const trusted = await trustedKeys(key.toPublic().armor());
const keyring = join(directory, "keyring.gpg");
writeFileSync(keyring, trusted.binary);

/** The signed text according to gpgv, which apt and MAAS use. Throws if gpgv rejects it. */
function gpgvReads(file: string): string {
  const path = join(directory, "file");
  writeFileSync(path, file);
  const argv = ["--keyring", keyring, "--output", "-", path];
  return execFileSync("gpgv", argv, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

test.each<[string, string, (file: string) => string]>([
  ["of several lines", "a: 1\n b\n\nc", (file) => file],
  ["with lines that begin with a dash", "- a\n-----BEGIN PGP SIGNED MESSAGE-----\n--\n-\nb", (file) => file],
  ["with CR LF", "a\nb\n\nc", (file) => file.replaceAll("\n", "\r\n")],
  ["with blanks at the ends of lines", "a\nb\n\nc", (file) => file.replace("a\nb\n", "a \t\nb  \n")],
  ["with an empty line that is escaped", "a\n\nb", (file) => file.replace("a\n\nb", "a\n- \nb")],
  ["with empty lines at both ends", "\n\na\n\n", (file) => file],
  ["in UTF-8", "Übersetzung: 日本語 🂡", (file) => file],
  ["that has only a line end", "\n", (file) => file],
])("a clearsigned text %s is read as gpgv reads it", async (_, text, change) => {
  const file = change((await clearsign(text, key)).toString().replaceAll("\r\n", "\n"));
  const found = await verifyClearsigned(Buffer.from(file), trusted, now, "InRelease");
  expect(found.text).toBe(text);
  expect(found.signedBy).toBe(key.getFingerprint().toUpperCase());
  // gpgv prints the lines of the file, with one more line end.
  const lines = gpgvReads(file).replace(/[ \t\r]+$/gm, "");
  expect(lines).toBe(`${text}\n`);
});
