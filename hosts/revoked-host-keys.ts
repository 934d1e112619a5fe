import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { ExplainedError } from "../errors/explained-error.ts";
import { isCertificateType, readCertificate } from "./certificates.ts";
import type { Destination } from "./destination.ts";
import { type KnownKeys, keyType } from "./known-hosts.ts";

/** The first bytes of OpenSSH's binary list of revoked keys. Format: PROTOCOL.krl. */
const listMagic = Buffer.from("SSHKRL\n\0");

/**
 * Moves the known keys that RevokedHostKeys revokes to those marked `@revoked`. Without such a list nothing is
 * checked.
 *
 * @throws ExplainedError when the list cannot be read. ssh then refuses every host, and so does this.
 */
export async function withoutRevoked(destination: Destination, known: KnownKeys): Promise<KnownKeys> {
  const { revokedHostKeys: file } = destination;
  if (!file || known.trusted.length === 0) return known;
  const revoked = await revokedAmong(
    destination,
    known.trusted.map(({ key }) => key),
  );
  return {
    ...known,
    trusted: known.trusted.filter((_, index) => !revoked[index]),
    revoked: [
      ...known.revoked,
      ...known.trusted.filter((_, index) => revoked[index]).map((host) => ({ ...host, where: file })),
    ],
  };
}

/**
 * Which of the given keys and certificates RevokedHostKeys revokes. A certificate is also revoked with its key or its
 * authority.
 *
 * @param blobs Well-formed blobs.
 */
export async function revokedAmong(
  { name, revokedHostKeys: file }: Destination,
  blobs: readonly Buffer[],
): Promise<boolean[]> {
  if (!file) return blobs.map(() => false);
  const unreadable = (error: Error) =>
    new ExplainedError({
      host: name,
      step: `reading the revoked host keys in ${file}`,
      found: error.message.trim(),
      remedy:
        "Correct RevokedHostKeys in the ssh configuration, or correct that file. Until then no host is trusted.",
      cause: error,
    });
  const content = await readFile(file).catch((error: Error) => {
    throw unreadable(error);
  });
  if (content.subarray(0, listMagic.length).equals(listMagic)) {
    return askKeygen(file, blobs).catch((error: Error) => {
      throw unreadable(error);
    });
  }
  const listed = content
    .toString("latin1")
    .split("\n")
    .filter((line) => !/^\s*(#|$)/.test(line))
    .map((line) => Buffer.from(line.trim().split(/\s+/)[1] ?? "", "base64"));
  return blobs.map((blob) => {
    const all = [blob];
    if (isCertificateType(keyType(blob))) {
      const { plainKey, authority } = readCertificate(blob);
      all.push(plainKey, authority);
    }
    return all.some((one) => listed.some((other) => other.equals(one)));
  });
}

/** `ssh-keygen -Q` reads only files. It prints `FILE (comment): REVOKED` or `ok` for each. */
async function askKeygen(list: string, blobs: readonly Buffer[]): Promise<boolean[]> {
  // A server cannot prove to own an invalid key of known_hosts, and ssh-keygen would stop at it.
  const isKey = (blob: Buffer) =>
    isCertificateType(keyType(blob)) || !(ssh2.utils.parseKey(blob) instanceof Error);
  const validKeys = blobs.filter(isKey);
  if (validKeys.length === 0) return blobs.map(() => false);
  const folder = await mkdtemp(join(tmpdir(), "airgapped-maas-keys-"));
  try {
    const files = validKeys.map((_, index) => join(folder, `${index}.pub`));
    for (const [index, blob] of validKeys.entries())
      await writeFile(files[index] ?? "", `${keyType(blob)} ${blob.toString("base64")} key${index}\n`);
    const printed = await new Promise<string>((resolve, reject) => {
      execFile(
        "ssh-keygen",
        ["-Q", "-f", list, "--", ...files],
        { encoding: "utf8" },
        (error, stdout, stderr) => {
          // 1: something is revoked. Any other code is a failure.
          if (error && error.code !== 1) reject(new Error(stderr || error.message));
          else resolve(stdout);
        },
      );
    });
    // A key that is not reported as ok counts as revoked.
    const good = validKeys.filter((_, index) =>
      printed.split("\n").includes(`${files[index]} (key${index}): ok`),
    );
    return blobs.map((blob) => isKey(blob) && !good.includes(blob));
  } finally {
    await rm(folder, { recursive: true });
  }
}
