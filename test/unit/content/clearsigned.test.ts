import { describe, expect, test } from "@jest/globals";
import {
  config,
  createCleartextMessage,
  enums,
  PacketList,
  type PrivateKey,
  Signature,
  SignaturePacket,
  sign,
} from "openpgp";
import { trustedKeys } from "../../../content/openpgp/keyring.ts";
import { verifyClearsigned } from "../../../content/openpgp/verify.ts";
import { made, newKey, now } from "./small-archive.ts";

const key = await newKey();
const stranger = await newKey();
const trusted = await trustedKeys(key.toPublic().armor());

/** With LF line ends, as in upstream's files. */
async function signed(text: string, ...signingKeys: PrivateKey[]): Promise<string> {
  const message = await createCleartextMessage({ text });
  return (
    await sign({ message, signingKeys: signingKeys.length > 0 ? signingKeys : key, date: new Date(made) })
  ).replaceAll("\r\n", "\n");
}

const read = (file: string) => verifyClearsigned(Buffer.from(file), trusted, now, "InRelease");

describe("a clearsigned text", () => {
  test.each<[string, (file: string) => string]>([
    ["text before it", (file) => `x: 1\n${file}`],
    ["text after it", (file) => `${file}x: 1\n`],
    ["a byte order mark", (file) => `\uFEFF${file}`],
    ["an additional header", (file) => file.replace("Hash: ", "Comment: x\nHash: ")],
    ["another hash in its header than in its signature", (file) => file.replace(/Hash: \w+/, "Hash: SHA224")],
    ["no empty line after its headers", (file) => file.replace("\n\n", "\n")],
    ["a changed character", (file) => file.replace("a: 1", "a: 2")],
    ["an indented line", (file) => file.replace("a: 1", " a: 1")],
    ["an additional line", (file) => file.replace("a: 1", "a: 1\nb: 2")],
    ["an additional empty line", (file) => file.replace("a: 1", "a: 1\n")],
    ["a line without the necessary dash-escape", (file) => file.replace("a: 1", "a: 1\n-b: 2")],
    [
      "the first line of another clearsigned text in it",
      (file) => file.replace("a: 1", `${file.split("\n")[0]}\n\na: 1`),
    ],
    [
      "the first line of a block of another type in it",
      (file) => file.replace("a: 1", "a: 1\n-----BEGIN PGP MESSAGE-----"),
    ],
    ["no signature", (file) => file.slice(0, file.indexOf("-----BEGIN PGP SIGNATURE"))],
    ["a truncated signature", (file) => file.slice(0, -60)],
    ["a second block of signatures", (file) => file + file.slice(file.indexOf("-----BEGIN PGP SIGNATURE"))],
    [
      "a block of another type in place of the signature",
      (file) => file.replaceAll("SIGNATURE-----", "MESSAGE-----"),
    ],
    [
      "text between two last lines",
      (file) => `${file}x: 1\n${file.split("\n").findLast((line) => line !== "")}\n`,
    ],
  ])("with %s is refused", async (_, change) => {
    const file = await signed("a: 1\nc: 3");
    await expect(read(file)).resolves.toMatchObject({ text: "a: 1\nc: 3" });
    await expect(read(change(file))).rejects.toThrow(/verifying the signature of InRelease/);
  });

  test.each([0xa0, 0x0b, 0x0c])(
    "with the byte %d after it, which only some programs treat as white space, is refused",
    async (byte) => {
      const file = Buffer.from(await signed("a: 1"));
      await expect(verifyClearsigned(file, trusted, now, "InRelease")).resolves.toMatchObject({
        text: "a: 1",
      });
      const more = Buffer.concat([file, Buffer.of(byte)]);
      await expect(verifyClearsigned(more, trusted, now, "InRelease")).rejects.toThrow(
        /not one clearsigned text/,
      );
    },
  );

  test("that is empty, unsigned, or only a first line is refused", async () => {
    await expect(read("")).rejects.toThrow(/not one clearsigned text/);
    await expect(read("a: 1\n")).rejects.toThrow(/not one clearsigned text/);
    await expect(read("-----BEGIN PGP SIGNED MESSAGE-----")).rejects.toThrow(/not one clearsigned text/);
  });

  test("with several signatures is accepted if one is by a declared key, in any order", async () => {
    for (const order of [
      [stranger, key],
      [key, stranger],
    ]) {
      const found = await read(await signed("a: 1", ...order));
      expect(found.signedBy).toBe(key.getFingerprint().toUpperCase());
    }
    await expect(read(await signed("a: 1", stranger))).rejects.toThrow(/which is not declared/);
  });

  test("is returned without white space at the ends of lines, which is not signed", async () => {
    const file = (await signed("a: 1\nb")).replace("a: 1\n", "a: 1 \t \n");
    expect((await read(file)).text).toBe("a: 1\nb");
  });

  test("with a standalone signature, which would be valid for any text, is refused", async () => {
    const packet = new SignaturePacket();
    packet.signatureType = enums.signature.standalone;
    packet.publicKeyAlgorithm = key.keyPacket.algorithm;
    packet.hashAlgorithm = enums.hash.sha512;
    packet.issuerKeyID = key.getKeyID();
    const internal = packet as unknown as { version: number; sign(...of: unknown[]): Promise<void> };
    internal.version = key.keyPacket.version;
    await internal.sign(key.keyPacket, {}, new Date(made), true, config);
    const packets = new PacketList<SignaturePacket>();
    packets.push(packet);
    const armored = new Signature(packets).armor().replaceAll("\r\n", "\n");
    const file = `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\na: 1\n${armored}`;
    await expect(read(file)).rejects.toThrow(/it has no signature/);
  });
});
