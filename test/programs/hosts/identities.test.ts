import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Destination } from "../../../hosts/destination.ts";
import { identitiesFor } from "../../../hosts/identities.ts";
import { wireString } from "../../../hosts/wire-format.ts";
import { blobOf, CertificateFiles, plainDestination } from "./certificate-files.ts";

const files = new CertificateFiles();
let authority: string;
let key: string;
/** A certificate of `key` for ops. */
let certificate: string;
/** A public key line of a FIDO device, which cannot be made without one: type, point, application. */
const fido = [wireString("sk-ssh-ed25519@openssh.com"), wireString(Buffer.alloc(32, 7)), wireString("ssh:")];
const fidoBlob = Buffer.concat(fido);

beforeAll(() => {
  authority = files.key();
  key = files.key();
  certificate = files.certificate(authority, key, "-n", "ops");
});
afterAll(() => files.end());

function identities(over: Partial<Destination>) {
  const destination: Destination = { ...plainDestination, ...over };
  return identitiesFor(destination);
}

function file(name: string, content: string): string {
  const path = join(files.folder, name);
  writeFileSync(path, content);
  return path;
}

/** A stand-in for an agent that has these public keys, and signs nothing. */
async function withAgent<T>(blobs: readonly Buffer[], work: (socket: string) => Promise<T>): Promise<T> {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(blobs.length);
  const held = blobs.flatMap((blob) => [wireString(blob), wireString("a comment")]);
  const answer = wireString(Buffer.concat([Buffer.from([12]), count, ...held]));
  const socket = join(files.folder, "agent");
  const server = createServer((connection) => {
    // In two parts, because a long answer may arrive in parts.
    connection.once("data", () => {
      connection.write(answer.subarray(0, 7), () => connection.end(answer.subarray(7)));
    });
  }).listen(socket);
  await once(server, "listening");
  try {
    return await work(socket);
  } finally {
    server.close();
    await once(server, "close");
  }
}

describe("a certificate", () => {
  test("in a file next to its key, or named by CertificateFile, is offered once, before the key", async () => {
    const named = file("named-cert.pub", certificate);
    expect((await identities({ identityFiles: [key], certificateFiles: [named] })).offered).toEqual([
      `certificate ${named}`,
      `key ${key}`,
    ]);
    file(`${key.slice(files.folder.length + 1)}-cert.pub`, certificate);
    for (const certificateFiles of [[], [named]]) {
      const { offered, problems } = await identities({ identityFiles: [key], certificateFiles });
      expect([offered.length, offered[1], problems]).toEqual([2, `key ${key}`, []]);
    }
    renameSync(`${key}-cert.pub`, join(files.folder, "put-away"));
  });

  test("that does not exist, is invalid, or fits no key is reported", async () => {
    const gone = join(files.folder, "gone-cert.pub");
    const none = file("none-cert.pub", "ssh-ed25519 AAAA");
    const cut = file("cut-cert.pub", certificate.slice(0, 200));
    const stranger = file("stranger-cert.pub", files.certificate(authority, files.key(), "-n", "ops"));
    const { offered, problems } = await identities({
      identityFiles: [key],
      certificateFiles: [gone, none, cut, stranger],
    });
    expect(offered).toEqual([`key ${key}`]);
    expect(problems).toEqual([
      `the certificate ${gone} does not exist`,
      `the certificate ${none} cannot be used: it is not a certificate`,
      `the certificate ${cut} cannot be used: it is cut off`,
      `the certificate ${stranger} is not for any key that can be used here`,
    ]);
  });

  test("for hosts is not offered, but reported", async () => {
    const named = file("host-cert.pub", files.certificate(authority, key, "-h", "-n", "ops"));
    const { offered, problems } = await identities({ identityFiles: [key], certificateFiles: [named] });
    expect(offered).toEqual([`key ${key}`]);
    expect(problems).toEqual([`the certificate ${named} is a host certificate`]);
  });

  test("given as IdentityFile is used as a certificate, and not as a key", async () => {
    const named = file("as-identity-cert.pub", certificate);
    expect((await identities({ identityFiles: [named] })).offered).toEqual([]);
    expect((await identities({ identityFiles: [named, key] })).offered).toEqual([
      `certificate ${named}`,
      `key ${key}`,
    ]);
  });

  test("of a key with a passphrase is not offered, and the key is reported as encrypted", async () => {
    const locked = files.key();
    file("locked-cert.pub", files.certificate(authority, locked, "-n", "ops"));
    execFileSync("ssh-keygen", ["-q", "-p", "-N", "open sesame", "-f", locked], { stdio: "ignore" });
    const { encrypted, offered } = await identities({
      identityFiles: [locked],
      certificateFiles: [join(files.folder, "locked-cert.pub")],
    });
    expect([encrypted, offered]).toEqual([[locked], []]);
  });

  test("in the agent, or in a file for a key of the agent, is offered", async () => {
    const blob = blobOf(files.publicLine(key));
    const named = file("for-agent-cert.pub", certificate);
    const offered = async (held: readonly Buffer[], over: Partial<Destination>) =>
      withAgent(held, async (agent) => (await identities({ agent, ...over })).offered);
    expect(await offered([blob, blobOf(certificate)], {})).toEqual(["agent (1 key, 1 certificate)"]);
    expect(await offered([blob], { certificateFiles: [named] })).toEqual(["agent (1 key, 1 certificate)"]);
    expect(await offered([blob, blobOf(certificate)], { certificateFiles: [named] })).toEqual([
      "agent (1 key, 1 certificate)",
    ]);
    // As in ssh: with IdentitiesOnly, a key of the agent is used only if a file names it.
    expect(await offered([blob, blobOf(certificate)], { identitiesOnly: true })).toEqual([]);
    expect(
      await offered([blob, blobOf(certificate)], { identitiesOnly: true, certificateFiles: [named] }),
    ).toEqual(["agent (1 certificate)"]);
  });
});

describe("unsupported keys and agents are reported", () => {
  test("keys on FIDO security keys, in files and in the agent", async () => {
    const one = file("id_sk", "not read");
    file("id_sk.pub", `sk-ssh-ed25519@openssh.com ${fidoBlob.toString("base64")} me`);
    const inside = file(
      "id_sk_private",
      `-----BEGIN OPENSSH PRIVATE KEY-----\n${Buffer.concat([Buffer.from("openssh-key-v1\0"), wireString("none"), fidoBlob]).toString("base64")}\n-----END OPENSSH PRIVATE KEY-----\n`,
    );
    const { offered, problems } = await withAgent([fidoBlob], (agent) =>
      identities({ agent, identityFiles: [one, inside] }),
    );
    expect(offered).toEqual([]);
    const reason = "is on a FIDO security key (sk-ssh-ed25519@openssh.com), which is not supported";
    expect(problems).toEqual([
      `the key ${one} ${reason}`,
      `the key ${inside} ${reason}`,
      `a key in the agent ${reason}`,
    ]);
  });

  test("PKCS11Provider", async () => {
    const { problems } = await identities({ pkcs11Provider: "/usr/lib/token.so" });
    expect(problems.join()).toMatch(/PKCS11Provider .*token\.so is not supported: .*ssh-add -s/);
  });

  test("an agent with an invalid key, and an agent that does not answer", async () => {
    await withAgent([Buffer.alloc(0)], async (agent) => {
      expect((await identities({ agent })).problems).toEqual([
        "a key in the agent is of a type that is not supported (unknown)",
      ]);
    });
    const nobody = await identities({ agent: join(files.folder, "no-agent") });
    expect(nobody.problems.join()).toMatch(/the agent at .*no-agent does not answer/);
  });
});
