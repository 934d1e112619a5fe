import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { keysFor, parseKnownHosts, verdictOn } from "../../../hosts/known-hosts.ts";
import { revokedAmong, withoutRevoked } from "../../../hosts/revoked-host-keys.ts";
import { blobOf, CertificateFiles, plainDestination } from "./certificate-files.ts";

const files = new CertificateFiles();
afterAll(() => files.end());

const authority = files.key();
const key = files.key("ecdsa");
const other = files.key();
const plain = blobOf(files.publicLine(key));
const certificate = blobOf(files.certificate(authority, key, "-h", "-z", "7"));
const [otherPlain, otherCertificate] = [
  blobOf(files.publicLine(other)),
  blobOf(files.certificate(files.key(), other, "-h")),
];

let lists = 0;
/** A list of revoked keys as ssh-keygen makes it, from public key files or a specification. */
function list(...content: string[]): string {
  const file = join(files.folder, `list-${lists++}`);
  execFileSync("ssh-keygen", ["-q", "-k", "-f", file, ...content], { stdio: "ignore" });
  return file;
}
function textFile(content: string): string {
  const file = join(files.folder, `text-${lists++}`);
  writeFileSync(file, content);
  return file;
}

const revoked = (file: string | undefined, blobs = [plain, certificate, otherPlain, otherCertificate]) =>
  revokedAmong({ ...plainDestination, revokedHostKeys: file }, blobs);

describe("RevokedHostKeys", () => {
  test("revokes keys, and certificates by their key, authority or serial number", async () => {
    expect(await revoked(undefined)).toEqual([false, false, false, false]);
    expect(await revoked(list(`${key}.pub`))).toEqual([true, true, false, false]);
    expect(await revoked(list(`${authority}.pub`))).toEqual([false, true, false, false]);
    expect(await revoked(list("-s", `${authority}.pub`, textFile("serial: 7")))).toEqual([
      false,
      true,
      false,
      false,
    ]);
    expect(await revoked(list(`${files.key()}.pub`))).toEqual([false, false, false, false]);
  });

  test("can be a text file of public keys", async () => {
    const text = (...of: string[]) =>
      textFile(`# withdrawn\n\n${of.map((one) => files.publicLine(one)).join(" me\n")}\n`);
    expect(await revoked(text(other, key))).toEqual([true, true, true, true]);
    expect(await revoked(text(authority))).toEqual([false, true, false, false]);
    expect(await revoked(textFile(""))).toEqual([false, false, false, false]);
  });

  test("is an error if its file cannot be read", async () => {
    await expect(revoked(join(files.folder, "gone"))).rejects.toThrow(
      /revoked host keys in .*gone: .*[\s\S]*RevokedHostKeys/,
    );
    await expect(revoked(textFile("SSHKRL\n\0damaged"))).rejects.toThrow(
      /revoked host keys in .*text-\d+: .*KRL/,
    );
  });

  test("revokes keys that known_hosts trusts, and no others", async () => {
    const text = `mirror ${files.publicLine(key)}\nmirror ${files.publicLine(other)}\nmirror ssh-rsa AAAAB3NzaC1yc2E=`;
    const known = keysFor(parseKnownHosts(text, "known_hosts"), "mirror", 22);
    expect(known.trusted).toHaveLength(3);
    const left = await withoutRevoked({ ...plainDestination, revokedHostKeys: list(`${key}.pub`) }, known);
    expect([verdictOn(left, plain), verdictOn(left, otherPlain)]).toEqual(["revoked", "known"]);
  });
});
