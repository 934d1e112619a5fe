import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type PublicKey, readKey, readKeys } from "openpgp";
import { ExplainedError } from "../../errors/explained-error.ts";

/** The keys whose signatures are accepted. */
export interface TrustedKeys {
  readonly keys: readonly PublicKey[];
  /** Full fingerprints of the primary keys, upper-case hexadecimal. */
  readonly fingerprints: readonly string[];
  /** All of them as armored text. */
  readonly armored: string;
  /** All of them as a binary keyring: the only format that gpgv 2.2 reads, and therefore MAAS. */
  readonly binary: Uint8Array;
}

/** Directories with keys of archives on a workstation: the keyrings of packages, and those that its apt trusts. */
const workstationKeyrings = ["/usr/share/keyrings", "/etc/apt/keyrings", "/etc/apt/trusted.gpg.d"];

const builtIn = ["../apt/ubuntu-archive-keys", "../simplestreams/maas-image-keys"].map((directory) =>
  fileURLToPath(new URL(directory, import.meta.url)),
);

/** Fingerprint of the Ubuntu Archive Automatic Signing Key (2018), which signs all supported releases. */
export const ubuntuArchiveKey = "F6ECB3762474EDA9D21B7022871920D1991BC93C";

/** Fingerprints of the keys that MAAS trusts for images.maas.io: those of its ubuntu-cloudimage-keyring.gpg. */
export const ubuntuImageKeys: readonly string[] = [
  "D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81",
  "4A3CE3CD565D7EB5C810E2B97FF3F408476CF100",
];

/**
 * The declared keys: armored text, bytes of a keyring, the absolute path of a keyring file, or a full fingerprint (of
 * a primary key; blanks are ignored) that is looked up among the built-in Ubuntu keys and in `directories`. A list may
 * mix these forms.
 *
 * @default key the Ubuntu archive's (2018)
 * @throws ExplainedError if there is no such key, or for a short key id, which can be forged.
 */
export async function trustedKeys(
  key: string | Uint8Array | readonly string[] = ubuntuArchiveKey,
  directories: readonly string[] = workstationKeyrings,
): Promise<TrustedKeys> {
  if (Array.isArray(key)) {
    const several = await Promise.all(key.map((one: string) => trustedKeys(one, directories)));
    return named(several.flatMap(({ keys }) => keys));
  }
  if (typeof key !== "string") return named(await parse(key as Uint8Array, "the given keyring"));
  if (key.includes("-----BEGIN PGP")) return named(await parse(Buffer.from(key), "the given key"));
  if (key.startsWith("/")) return named(await parse(await contentOf(key), key));
  const fingerprint = key.replace(/^0x/i, "").replace(/\s+/g, "").toUpperCase();
  if (/^([0-9A-F]{40}|[0-9A-F]{64})$/.test(fingerprint)) return named(await lookUp(fingerprint, directories));
  const short = /^[0-9A-F]{8,39}$/.test(fingerprint);
  throw refuse(
    short
      ? `${key} is a short key id, which can be forged`
      : `${JSON.stringify(key.slice(0, 80))} is not a key`,
    short
      ? "Declare the full fingerprint: 40 hexadecimal digits, as `gpg --list-keys` shows it."
      : "Declare a full fingerprint, an armored public key, or the absolute path of a keyring file.",
  );
}

async function named(keys: readonly PublicKey[]): Promise<TrustedKeys> {
  return {
    keys,
    fingerprints: keys.map((key) => key.getFingerprint().toUpperCase()),
    armored: keys.map((key) => key.armor()).join(""),
    binary: Buffer.concat(keys.map((key) => key.write())),
  };
}

async function contentOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw refuse(
      `${path} cannot be read (${(error as Error).message})`,
      "Declare the path of a keyring on this workstation.",
      error,
    );
  }
}

async function parse(bytes: Uint8Array, name: string): Promise<PublicKey[]> {
  try {
    const keys = await keysIn(Buffer.from(bytes));
    if (keys.length === 0) throw new Error("it contains no key");
    return keys;
  } catch (error) {
    throw refuse(
      `${name} is not an OpenPGP public key (${(error as Error).message})`,
      "Declare the output of `gpg --armor --export FINGERPRINT`.",
      error,
    );
  }
}

async function keysIn(bytes: Buffer): Promise<PublicKey[]> {
  const blocks = bytes
    .toString("latin1")
    .match(/-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]*?-----END PGP PUBLIC KEY BLOCK-----/g);
  const read = blocks
    ? (await Promise.all(blocks.map((block) => readKeys({ armoredKeys: block })))).flat()
    : await readKeys({ binaryKeys: bytes });
  // A private key is not needed, and must not be passed on.
  return Promise.all(read.map(async (key) => (key.isPrivate() ? key.toPublic() : key)));
}

async function lookUp(fingerprint: string, directories: readonly string[]): Promise<PublicKey[]> {
  for (const directory of [...builtIn, ...directories]) {
    for (const file of (await readdir(directory).catch(() => [])).sort()) {
      if (!/\.(gpg|asc|pgp)$/.test(file)) continue;
      const keys = await readFile(join(directory, file))
        .then(keysIn)
        .catch(() => []);
      for (const key of keys) {
        if (key.getFingerprint().toUpperCase() === fingerprint) {
          return [await readKey({ binaryKey: key.write() })];
        }
        if (key.getSubkeys().some((subkey) => subkey.getFingerprint().toUpperCase() === fingerprint)) {
          throw refuse(
            `${fingerprint} is a subkey`,
            `Declare the fingerprint of its primary key: ${key.getFingerprint().toUpperCase()}.`,
          );
        }
      }
    }
  }
  throw refuse(
    `${fingerprint} is in no keyring of this workstation`,
    `Declare the armored key itself, or put a keyring with it into one of ${directories.join(", ")}.`,
  );
}

function refuse(found: string, remedy: string, cause?: unknown): ExplainedError {
  return new ExplainedError({ step: "finding the key that upstream signs with", found, remedy, cause });
}
