import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** gpgv rejects a signature or a keyring. MAAS does not handle this error, so the current operation fails. */
class BadSignature extends Error {}

/** A document that must be signed has no signature. */
export class MissingSignature extends Error {}

const header = "-----BEGIN PGP SIGNED MESSAGE-----";

/**
 * The text of a clearsigned document, after gpgv has verified it with this keyring, which must be in OpenPGP's binary
 * form. Throws a BadSignature or a MissingSignature.
 */
export async function signedText(document: string, keyring: Buffer): Promise<string> {
  if (!document.startsWith(header)) throw new MissingSignature("No signature found!");
  const directory = mkdtempSync(join(tmpdir(), "keyrings-"));
  try {
    const file = join(directory, "keyring.gpg");
    writeFileSync(file, keyring);
    await gpgv(file, document);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  const [, body = ""] = /\r?\n\r?\n([\s\S]*?)\r?\n-----BEGIN PGP SIGNATURE-----/.exec(document) ?? [];
  return body.replace(/^- /gm, "");
}

function gpgv(keyring: string, document: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("gpgv", ["--keyring", keyring, "-"], { stdio: ["pipe", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += chunk;
    });
    child.stdin.on("error", () => {}); // it may end without reading its input
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new BadSignature(`gpgv ended with ${code}: ${said.trim()}`));
    });
    child.stdin.end(document);
  });
}
