import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readReleases } from "../../../content/apt/archive.ts";
import { NotFound } from "../../../content/fetch.ts";
import { metadataCache } from "../../../content/metadata-cache.ts";
import { trustedKeys } from "../../../content/openpgp/keyring.ts";
import { verifyClearsigned, verifyDetached } from "../../../content/openpgp/verify.ts";
import type { ExplainedError } from "../../../errors/explained-error.ts";

/* Weak signatures made with GnuPG, as old archives still have them. */

const home = mkdtempSync(join(tmpdir(), "weak-signature-"));
const gpg = (...argv: string[]) =>
  execFileSync(
    "gpg",
    ["--homedir", home, "--batch", "--quiet", "--yes", "--pinentry-mode", "loopback", ...argv],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
const text = join(home, "Release");
// Keys are made after this line, and must be older than the time of the read.
const now = new Date(Date.now() + 3_600_000);

beforeAll(() => {
  writeFileSync(text, "Suite: noble\n");
  for (const kind of ["rsa2048", "rsa1024", "dsa1024"]) {
    gpg("--passphrase", "", "--quick-generate-key", `${kind}@example`, kind, "sign", "never");
  }
}, 60_000);
afterAll(() => {
  execFileSync("gpgconf", ["--homedir", home, "--kill", "all"]);
  rmSync(home, { recursive: true, force: true });
});

async function read(kind: string, digest: string, accept?: { weakSignature: string }) {
  const trusted = await trustedKeys(gpg("--armor", "--export", `${kind}@example`).toString());
  gpg("--local-user", `${kind}@example`, "--digest-algo", digest, "--clearsign", text);
  gpg(
    "--local-user",
    `${kind}@example`,
    "--digest-algo",
    digest,
    "--output",
    `${text}.gpg`,
    "--detach-sign",
    text,
  );
  return {
    inline: verifyClearsigned(readFileSync(`${text}.asc`), trusted, now, "InRelease", accept),
    detached: verifyDetached(
      readFileSync(text),
      readFileSync(`${text}.gpg`),
      trusted,
      now,
      "Release",
      accept,
    ),
  };
}

async function refusal(work: Promise<unknown>): Promise<ExplainedError> {
  return (await work.catch((error: unknown) => error)) as ExplainedError;
}

describe.each([
  ["rsa2048", "SHA1", /SHA1 is considered insecure|sha1/i],
  ["rsa1024", "SHA256", /RSA keys shorter than 2047 bits/],
  ["dsa1024", "SHA1", /dsa|sha1/i],
])("a signature by %s with %s", (kind, digest, reason) => {
  test("is refused, and the message names upstream.accept.weakSignature", async () => {
    const { inline, detached } = await read(kind, digest);
    for (const error of await Promise.all([refusal(inline), refusal(detached)])) {
      expect(error.message).toMatch(reason);
      expect(error.message).toMatch(/give the reason in upstream\.accept\.weakSignature/);
    }
  });

  test("is accepted with a reason in upstream.accept, and reported as weak", async () => {
    const { inline, detached } = await read(kind, digest, { weakSignature: "frozen in 2012" });
    for (const found of await Promise.all([inline, detached])) {
      expect(found.text.trimEnd()).toBe("Suite: noble");
      expect(found.weak).toMatch(reason);
    }
  });
});

test("a suite with a weak signature is read only with a reason, and the reason is reported", async () => {
  const release = `Suite: noble\nComponents: main\nArchitectures: amd64\nDate: ${now.toUTCString()}\nSHA256:\n ${"0".repeat(64)} 0 main/binary-amd64/Packages\n`;
  writeFileSync(text, release);
  const key = gpg("--armor", "--export", "rsa2048@example").toString();
  gpg("--local-user", "rsa2048@example", "--digest-algo", "SHA1", "--clearsign", text);
  const files = new Map([["dists/noble/InRelease", readFileSync(`${text}.asc`)]]);
  const fetch = async (path: string) => {
    const bytes = files.get(path);
    if (bytes) return bytes;
    throw new NotFound({ step: path, found: "404", remedy: "" });
  };
  const asked = {
    fetch,
    key,
    suites: ["noble"],
    components: ["main"],
    architectures: ["amd64"],
    cache: metadataCache(join(home, "cache")),
    now,
  };
  expect((await refusal(readReleases(asked))).message).toMatch(/upstream\.accept\.weakSignature/);
  const accept = { weakSignature: "frozen in 2012" };
  const [root] = await readReleases({ ...asked, accept });
  expect(root?.accepted).toEqual([
    expect.stringMatching(/^accepted: dists\/noble\/InRelease: .*SHA1 \(frozen in 2012\)$/),
  ]);
});

test("a strong signature is not reported as weak, even if weak signatures are accepted", async () => {
  const { inline } = await read("rsa2048", "SHA512", { weakSignature: "why" });
  expect((await inline).weak).toBeUndefined();
});

test("a weak signature by another key is refused, and the message does not offer upstream.accept", async () => {
  await Promise.allSettled(Object.values(await read("rsa2048", "SHA1")));
  const other = await trustedKeys(gpg("--armor", "--export", "rsa1024@example").toString());
  const accept = { weakSignature: "why" };
  const error = await refusal(
    verifyClearsigned(readFileSync(`${text}.asc`), other, now, "InRelease", accept),
  );
  expect(error.message).toMatch(/which is not declared/);
  expect(error.message).not.toMatch(/upstream\.accept/);
});
