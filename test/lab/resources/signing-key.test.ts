import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { generateKey, readKey } from "openpgp";
import { type Manifest, manifestDifferences } from "../../../lab/manifest.ts";
import { signingKey } from "../../../resources/host/signing-key.ts";
import type { Properties } from "../../../resources/kernel/stored-properties.ts";
import { LifeCycle, ResourceLab } from "./life-cycle.ts";

let bed: ResourceLab;
let before: Manifest;
const made: LifeCycle[] = [];
const directory = "/srv/keys/mirror";
const userId = "Mirror: the lab's <infra@example.org>";

beforeAll(async () => {
  bed = await ResourceLab.up("res-key", ["mirror"]);
  before = await bed.manifest();
}, 600_000);
afterEach(async () => {
  for (const life of made.splice(0)) await life.destroy();
  await bed.sh("rm -rf /srv/keys");
}, 120_000);
afterAll(() => bed?.down(), 60_000);

function resource(name: string): LifeCycle {
  const life = new LifeCycle(signingKey, name);
  made.push(life);
  return life;
}

function wants(more: Properties = {}): Properties {
  return { host: "mirror", userId, directory, keepOnRemove: false, ...more };
}

const differences = async () => manifestDifferences(before, await bed.manifest());
const processes = async () => (await bed.sh("pgrep -a gpg || true")).trim();

describe("a key made on the host", () => {
  test("makes signatures that its public key verifies, has no drift, and is removed without traces", async () => {
    const life = resource("made");
    await life.up(wants());
    const { publicKey, publicKeyBinary, fingerprint } = life.properties as Record<string, string>;
    const key = await readKey({ armoredKey: String(publicKey) });
    expect(key.getFingerprint().toUpperCase()).toBe(fingerprint);
    expect(key.getUserIDs()).toEqual([userId]);
    await bed.sh(`echo hello >/tmp/text
      GNUPGHOME=${directory} gpg --batch --yes -u ${fingerprint} --detach-sign -o /tmp/text.sig /tmp/text
      GNUPGHOME=${directory} gpgconf --kill all
      echo '${publicKeyBinary}' | base64 -d >/tmp/key.gpg
      gpgv --keyring /tmp/key.gpg /tmp/text.sig /tmp/text; rm /tmp/text* /tmp/key.gpg`);
    expect((await life.preview(wants())).change).toBe("none");
    expect(await bed.sh(`stat -c '%a %U' ${directory}`)).toBe("700 root\n");
    expect(await processes()).toBe("");
    await life.destroy();
    expect(await differences()).toEqual([]);
  }, 120_000);

  test("stays with keepOnRemove when the resource is deleted, and is adopted again", async () => {
    const first = resource("first");
    const kept = wants({ keepOnRemove: true });
    await first.up(kept);
    const { fingerprint } = first.properties as Record<string, string>;
    await first.destroy();
    expect(first.heard.warnings.join()).toContain(`${fingerprint} stays in ${directory}`);
    const second = resource("second");
    await second.up(kept);
    expect(second.properties?.fingerprint).toBe(fingerprint);
    await second.destroy();
    expect(await bed.sh(`ls ${directory}/private-keys-v1.d | wc -l`)).toBe("1\n");
  }, 120_000);

  test("can be shared by two resources, as after a rename without an alias", async () => {
    const [old, renamed] = [resource("old"), resource("renamed")];
    await old.up(wants());
    await renamed.up(wants());
    await old.destroy();
    expect((await renamed.preview(wants())).change).toBe("none");
  }, 120_000);

  test("is refused if another user ID is declared", async () => {
    const life = resource("user");
    await life.up(wants());
    const other = wants({ userId: "Somebody else" });
    expect((await life.preview(other)).differs).toEqual({ userId: [userId, "Somebody else"] });
    await expect(life.up(other)).rejects.toThrow(/another directory/);
  }, 120_000);

  test("can get a later expiry, and an expiry changed by hand is reported and corrected", async () => {
    const life = resource("expiry");
    await life.up(wants({ expires: "1y" }));
    expect((await life.preview(wants({ expires: "1y" }))).change).toBe("none");
    await life.up(wants({ expires: "5y" }));
    expect((await life.preview(wants({ expires: "5y" }))).change).toBe("none");
    await bed.sh(`GNUPGHOME=${directory} gpg --batch --pinentry-mode loopback --passphrase '' --quick-set-expire ${life.properties?.fingerprint} 2040-01-01
      GNUPGHOME=${directory} gpgconf --kill all`);
    const { differs } = await life.up(wants({ expires: "5y" }));
    expect(differs).toEqual({ expires: [expect.stringMatching(/^20(39-12-31|40-01-0[12])$/), "5y"] });
    expect((await life.preview(wants({ expires: "5y" }))).change).toBe("none");
    expect(await processes()).toBe("");
  }, 120_000);

  test("does not expire any more when its expiry is no longer declared", async () => {
    const life = resource("endless");
    await life.up(wants({ expires: "1y" }));
    expect((await life.up(wants())).differs).toEqual({});
    const key = await readKey({ armoredKey: String(life.properties?.publicKey) });
    expect(await key.getExpirationTime()).toBe(Number.POSITIVE_INFINITY);
    expect((await life.preview(wants())).change).toBe("none");
  }, 120_000);

  test("that has expired is reported, and its expiry is renewed", async () => {
    const life = resource("expired");
    await life.up(wants({ expires: "90d" }));
    await bed.sh(`export GNUPGHOME=${directory}
      gpg --batch --pinentry-mode loopback --passphrase '' --quick-set-expire ${life.properties?.fingerprint} seconds=2
      gpgconf --kill all
      gpg --batch --with-colons --list-keys | awk -F: '$1 == "pub" { print "90d", $7 }' >declared
      mv declared ${directory}/declared-expiry
      until gpg --batch --with-colons --list-keys | grep -q ^pub:e; do sleep 0.1; done`);
    const { differs } = await life.up(wants({ expires: "90d" }));
    expect(differs).toEqual({ expires: [expect.stringMatching(/^\(expired \d{4}-\d\d-\d\d\)$/), "90d"] });
    expect((await life.preview(wants({ expires: "90d" }))).change).toBe("none");
  }, 120_000);

  test("causes no warning when it is deleted and its parent directory stays", async () => {
    const life = resource("parent");
    await life.up(wants());
    await bed.sh("touch /srv/keys/theirs");
    await life.destroy();
    expect(await bed.sh("ls /srv/keys")).toBe("theirs\n");
    expect(life.heard.warnings).toEqual([]);
  }, 120_000);

  test("whose secret part is missing is an error, and is not replaced", async () => {
    const life = resource("lost");
    await life.up(wants());
    await bed.sh(`mv ${directory}/private-keys-v1.d /srv/keys/away`);
    await expect(life.up(wants())).rejects.toThrow(/secret part is missing/);
    await bed.sh(`mv /srv/keys/away ${directory}/private-keys-v1.d`);
    await life.up(wants());
    expect((await life.preview(wants())).change).toBe("none");
  }, 120_000);

  test("is not made in a directory with other files", async () => {
    await bed.sh(`mkdir -p ${directory}; echo theirs >${directory}/file`);
    const life = resource("occupied");
    await expect(life.up(wants())).rejects.toThrow(/contains other files/);
    await life.destroy();
    expect(await bed.sh(`cat ${directory}/file`)).toBe("theirs\n");
  }, 120_000);

  test("is an error if GnuPG is not installed", async () => {
    await bed.sh("mv /usr/bin/gpg /usr/bin/gpg.away");
    try {
      await expect(resource("no-gpg").up(wants())).rejects.toThrow(/GnuPG is not installed/);
    } finally {
      await bed.sh("mv /usr/bin/gpg.away /usr/bin/gpg");
    }
  }, 120_000);
});

describe("a declared key", () => {
  test("is imported, compared by its fingerprint, and never shown", async () => {
    const { privateKey, publicKey } = await generateKey({
      type: "rsa",
      rsaBits: 2048,
      userIDs: [{ name: "Declared", email: "d@example.org" }],
      format: "armored",
    });
    const declared = wants({ userId: "Declared <d@example.org>", secretKey: privateKey });
    const life = resource("declared");
    await life.up(declared);
    const fingerprint = (await readKey({ armoredKey: publicKey })).getFingerprint().toUpperCase();
    expect(life.properties?.fingerprint).toBe(fingerprint);
    expect((await life.preview(declared)).change).toBe("none");
    const other = await generateKey({ type: "ecc", userIDs: [{ name: "Declared" }], format: "armored" });
    const error = await life
      .up({ ...declared, secretKey: other.privateKey })
      .catch((failed: Error) => failed);
    expect(String(error)).toMatch(/another directory/);
    expect(String(error)).not.toContain("BEGIN PGP PRIVATE");
    await life.destroy();
    expect(await differences()).toEqual([]);
  }, 120_000);

  test("that is incomplete, has a passphrase or has another user ID is refused", async () => {
    const { privateKey } = await generateKey({
      type: "ecc",
      userIDs: [{ name: "Declared" }],
      format: "armored",
    });
    const locked = await generateKey({
      type: "ecc",
      userIDs: [{ name: "Declared" }],
      passphrase: "x",
      format: "armored",
    });
    const broken = privateKey.replace(/\n[^\n]{20,}\n/, "\n");
    await expect(resource("broken").up(wants({ secretKey: broken }))).rejects.toThrow(
      /not a complete OpenPGP/,
    );
    await expect(resource("locked").up(wants({ secretKey: locked.privateKey }))).rejects.toThrow(
      /passphrase/,
    );
    await expect(resource("other").up(wants({ secretKey: privateKey }))).rejects.toThrow(
      /belongs to Declared/,
    );
  }, 120_000);

  test("that gpg made on another machine is accepted", async () => {
    const home = mkdtempSync(join(tmpdir(), "gpg-"));
    try {
      const gpg = (...words: string[]) =>
        execFileSync(
          "gpg",
          ["--homedir", home, "--batch", "--pinentry-mode", "loopback", "--passphrase", "", ...words],
          { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
        );
      gpg("--quick-generate-key", userId, "ed25519", "sign", "1y");
      const secretKey = gpg("--armor", "--export-secret-keys");
      const life = resource("gpg");
      await life.up(wants({ secretKey }));
      expect((await life.preview(wants({ secretKey }))).change).toBe("none");
    } finally {
      execFileSync("gpgconf", ["--homedir", home, "--kill", "all"]);
      rmSync(home, { recursive: true });
    }
  }, 120_000);
});
