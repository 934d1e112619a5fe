import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  createCleartextMessage,
  createMessage,
  generateKey,
  type PrivateKey,
  readKey,
  readPrivateKey,
  sign,
} from "openpgp";
import { locked } from "../lock.ts";
import { sharedPaths } from "../paths.ts";

/**
 * The signer: `ubuntu` signs the archive at archive.ubuntu.com, `debian` the one at archive.lab, `images` the streams
 * at images.maas.io. `stranger` is a key that no client trusts, for wrong signatures.
 */
export type ArchiveKeyName = "ubuntu" | "debian" | "images" | "stranger";

/** A signing key. All labs of this repository use the same. */
export interface ArchiveKey {
  readonly privateKey: PrivateKey;
  readonly publicArmored: string;
  readonly publicFile: string;
  /** The public key in OpenPGP's binary form, the only form that MAAS and gpgv accept as a keyring. */
  readonly keyringFile: string;
  /** 40 uppercase hexadecimal digits. */
  readonly fingerprint: string;
}

const userIds: Readonly<Record<ArchiveKeyName, { name: string; email: string }>> = {
  ubuntu: { name: "Lab Ubuntu Archive Automatic Signing Key", email: "ftpmaster@archive.ubuntu.com" },
  debian: { name: "Lab Debian Archive Automatic Signing Key", email: "ftpmaster@archive.lab" },
  images: { name: "Lab Image Stream Automatic Signing Key", email: "images@images.maas.io" },
  stranger: { name: "Somebody else", email: "stranger@archive.lab" },
};

const loaded = new Map<ArchiveKeyName, Promise<ArchiveKey>>();

/** The key of this name, made at its first use. It is an RSA key, as in the real archive. */
export function archiveKey(name: ArchiveKeyName): Promise<ArchiveKey> {
  let key = loaded.get(name);
  if (key === undefined) {
    key = load(name);
    loaded.set(name, key);
  }
  return key;
}

async function load(name: ArchiveKeyName): Promise<ArchiveKey> {
  const privateFile = join(sharedPaths.keys, `${name}.private.asc`);
  const publicFile = join(sharedPaths.keys, `${name}.asc`);
  if (!existsSync(privateFile)) {
    await locked(`${privateFile}.lock`, async () => {
      if (existsSync(privateFile)) return;
      mkdirSync(sharedPaths.keys, { recursive: true, mode: 0o700 });
      const made = await generateKey({
        type: "rsa",
        rsaBits: 3072,
        userIDs: [userIds[name]],
        // One day in the past, because a publication may have a date earlier than this minute.
        date: new Date(Date.now() - 2 * 86_400_000),
        format: "armored",
      });
      writeFileSync(publicFile, made.publicKey);
      writeFileSync(`${privateFile}.new`, made.privateKey, { mode: 0o600 });
      renameSync(`${privateFile}.new`, privateFile);
    });
  }
  const privateKey = await readPrivateKey({ armoredKey: readFileSync(privateFile, "utf8") });
  const publicArmored = readFileSync(publicFile, "utf8");
  const keyringFile = join(sharedPaths.keys, `${name}.gpg`);
  if (!existsSync(keyringFile)) {
    const making = `${keyringFile}.${process.pid}`;
    writeFileSync(making, (await readKey({ armoredKey: publicArmored })).write());
    renameSync(making, keyringFile);
  }
  return {
    privateKey,
    publicArmored,
    publicFile,
    keyringFile,
    fingerprint: privateKey.getFingerprint().toUpperCase(),
  };
}

/** A clearsigned text, the form of an InRelease file and of a stream's .sjson files. */
export async function clearsigned(text: string, key: ArchiveKey): Promise<string> {
  const message = await createCleartextMessage({ text: text.trimEnd() });
  const signed = await sign({ message, signingKeys: key.privateKey });
  return `${signed.replaceAll("\r\n", "\n").trimEnd()}\n`;
}

/** The two signed forms of a Release file. */
export async function signRelease(
  release: string,
  key: ArchiveKey,
): Promise<{ inRelease: string; releaseGpg: string }> {
  const [inRelease, releaseGpg] = await Promise.all([
    clearsigned(release, key),
    createMessage({ binary: new TextEncoder().encode(release) }).then((message) =>
      sign({ message, signingKeys: key.privateKey, detached: true, format: "armored" }),
    ),
  ]);
  return { inRelease, releaseGpg };
}
