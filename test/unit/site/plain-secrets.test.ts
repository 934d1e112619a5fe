import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { pathText } from "../../../resources/kernel/check.ts";
import { isSecret, plainSecrets } from "../../../site/plain-secrets.ts";

const key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n";
const site = {
  aptMirrors: {
    open: { host: "mirror", serve: { tls: { certificate: "-----BEGIN CERTIFICATE-----", key } } },
    closed: { serve: { tls: { key: "another key, of the other mirror" } } },
  },
  maas: { region: { host: "maas", apiKey: "a:b:c" } },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "plain-secrets-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function found(encrypted: readonly string[], yaml?: string): string[] {
  const file = join(folder, "Pulumi.dc1.yaml");
  rmSync(file, { force: true });
  if (yaml !== undefined) writeFileSync(file, yaml);
  const isEncrypted = (name: string) => encrypted.includes(name);
  return plainSecrets(site, { project: "dc", stack: "dc1", file, isEncrypted }).map(({ path }) =>
    pathText(path),
  );
}

describe("secrets of a stack's file", () => {
  test("are found wherever nothing of their key is encrypted", () => {
    expect(found([])).toEqual([
      "aptMirrors.open.serve.tls.key",
      "aptMirrors.closed.serve.tls.key",
      "maas.region.apiKey",
    ]);
    expect(found(["maas"])).not.toContain("maas.region.apiKey");
    expect(found(["aptMirrors", "maas"])).toEqual([]);
  });

  test("are found in clear text beside encrypted ones, however YAML writes them", () => {
    const block = `    key: |\n${key
      .split("\n")
      .map((line) => `      ${line}`)
      .join("\n")}`;
    for (const written of [block, `    key: ${JSON.stringify(key)}`]) {
      expect(found(["aptMirrors", "maas"], `  tls:\n${written}\n    other: {secure: AAA}\n`)).toEqual([
        "aptMirrors.open.serve.tls.key",
      ]);
    }
  });

  test("are answered with the command that sets them right, and never shown", () => {
    const said = plainSecrets(site, { project: "dc", stack: "dc1", file: "", isEncrypted: () => false });
    expect(said[0]?.message).toContain(
      "pulumi config set --stack dc1 --secret --path 'dc:aptMirrors.open.serve.tls.key' < FILE",
    );
    expect(said[2]?.message).toContain("--secret --path 'dc:maas.region.apiKey'.");
    expect(JSON.stringify(said)).not.toMatch(/MIGH|a:b:c|another key/);
  });
});

test.each<[string, string, boolean]>([
  ["aptMirrors.a.upstream.credentials.password", "x", true],
  ["aptMirrors.a.upstream.credentials.token", "x", true],
  ["aptMirrors.a.upstream.proxy", "http://name:word@proxy:3128", true],
  ["aptMirrors.a.upstream.proxy", "http://proxy:3128", false],
  ["anything", "-----BEGIN RSA PRIVATE KEY-----\nx", true],
  ["anything", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nx", true],
  ["aptMirrors.a.upstream.key", "-----BEGIN PGP PUBLIC KEY BLOCK-----", false],
  ["aptMirrors.a.serve.tls.certificate", "-----BEGIN CERTIFICATE-----", false],
])("%s with %j: secret %p", (path, value, expected) => {
  expect(isSecret(path.split("."), value)).toBe(expected);
});
