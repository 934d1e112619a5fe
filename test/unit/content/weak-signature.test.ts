import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { trustedKeys } from "../../../content/openpgp/keyring.ts";
import { verifyClearsigned, verifyDetached } from "../../../content/openpgp/verify.ts";
import type { ExplainedError } from "../../../errors/explained-error.ts";

/* Signatures as GnuPG makes them for archives that have not changed their ways in years. */

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
const now = new Date();

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
  test("is refused, with the way out", async () => {
    const { inline, detached } = await read(kind, digest);
    for (const error of await Promise.all([refusal(inline), refusal(detached)])) {
      expect(error.message).toMatch(reason);
      expect(error.message).toMatch(/say why in upstream\.accept\.weakSignature/);
    }
  });

  test("is taken where somebody has said why, which is said", async () => {
    const { inline, detached } = await read(kind, digest, { weakSignature: "frozen in 2012" });
    for (const found of await Promise.all([inline, detached])) {
      expect(found.text.trimEnd()).toBe("Suite: noble");
      expect(found.weak).toMatch(reason);
    }
  });
});

test("a strong signature is not called weak, whatever is accepted", async () => {
  const { inline } = await read("rsa2048", "SHA512", { weakSignature: "why" });
  expect((await inline).weak).toBeUndefined();
});

test("another key's is refused whatever is accepted, and without that way out", async () => {
  await Promise.allSettled(Object.values(await read("rsa2048", "SHA1")));
  const other = await trustedKeys(gpg("--armor", "--export", "rsa1024@example").toString());
  const accept = { weakSignature: "why" };
  const error = await refusal(
    verifyClearsigned(readFileSync(`${text}.asc`), other, now, "InRelease", accept),
  );
  expect(error.message).toMatch(/which is not declared/);
  expect(error.message).not.toMatch(/upstream\.accept/);
});
