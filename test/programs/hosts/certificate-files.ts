import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Destination } from "../../../hosts/destination.ts";

/** The host `mirror`, for ssh without configuration. */
export const plainDestination: Destination = {
  name: "mirror",
  hostname: "mirror",
  port: 22,
  user: "ops",
  identityFiles: [],
  certificateFiles: [],
  certificateSignatures: [],
  pkcs11Provider: undefined,
  identitiesOnly: false,
  agent: undefined,
  jumps: [],
  hostKeyAlias: undefined,
  knownHostsFiles: [],
  keepaliveSeconds: 0,
  keepaliveCount: 3,
  connectTimeoutSeconds: undefined,
  strictHostKeyChecking: "ask",
  revokedHostKeys: undefined,
};

/** Keys and certificates made by the real ssh-keygen, in a separate folder. */
export class CertificateFiles {
  readonly folder = mkdtempSync(join(tmpdir(), "certificates-"));
  #count = 0;

  /** The path of a new private key. Its public key is beside it. */
  key(type = "ed25519", bits?: number): string {
    const file = join(this.folder, `key-${this.#count++}`);
    execFileSync("ssh-keygen", [
      ...["-q", "-t", type, "-N", "", "-f", file],
      ...(bits ? ["-b", String(bits)] : []),
    ]);
    return file;
  }

  /** The certificate line that an authority makes from a key, with further arguments of ssh-keygen. */
  certificate(authority: string, key: string, ...args: string[]): string {
    // ssh-keygen writes it beside the key, where the next certificate would overwrite it.
    const copy = join(this.folder, `signed-${this.#count++}`);
    copyFileSync(`${key}.pub`, `${copy}.pub`);
    execFileSync("ssh-keygen", ["-q", "-s", authority, "-I", "an id", ...args, `${copy}.pub`]);
    return readFileSync(`${copy}-cert.pub`, "utf8").trim();
  }

  publicLine(key: string): string {
    return readFileSync(`${key}.pub`, "utf8").split(" ").slice(0, 2).join(" ").trim();
  }

  end(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** The binary part of a line `TYPE BASE64`. */
export function blobOf(line: string): Buffer {
  return Buffer.from(line.split(" ")[1] ?? "", "base64");
}
