import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { pathText } from "../../../errors/wrong-input.ts";
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

describe("secrets in a stack file", () => {
  test("are found when no value below their key is encrypted", () => {
    expect(found([])).toEqual([
      "aptMirrors.open.serve.tls.key",
      "aptMirrors.closed.serve.tls.key",
      "maas.region.apiKey",
    ]);
    expect(found(["maas"])).not.toContain("maas.region.apiKey");
    expect(found(["aptMirrors", "maas"])).toEqual([]);
  });

  test("are found in clear text beside encrypted values, in a YAML block and in quotes", () => {
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

  test("are reported with the command that encrypts them, and are not shown", () => {
    const findings = plainSecrets(site, { project: "dc", stack: "dc1", file: "", isEncrypted: () => false });
    expect(findings[0]?.message).toContain(
      "pulumi config set --stack dc1 --secret --path 'dc:aptMirrors.open.serve.tls.key' < FILE",
    );
    expect(findings[2]?.message).toContain("--secret --path 'dc:maas.region.apiKey'.");
    expect(JSON.stringify(findings)).not.toMatch(/MIGH|a:b:c|another key/);
  });
});

describe.each(["it's a long secret", 'with "quotes" in it', "back\\slash-n\\n", "short", "a'b", "12"])(
  "the secret %j",
  (password) => {
    const json = JSON.stringify(password);
    const single = `'${password.replaceAll("'", "''")}'`;
    const ways = {
      "double quotes": `password: ${json}`,
      "single quotes": `password: ${single}`,
      "no quotes": `password: ${password}`,
      "a flow mapping": `credentials: {username: me, "password": ${json} }`,
      "a flow mapping in which it is not the last": `credentials: { password: ${single}, username: me}`,
      "a block scalar": `password: |-\n      ${password}`,
      "a folded scalar": `password: >\n      ${password}\n    username: me`,
      "front of a comment": `password: ${json} # for now`,
    };
    const findings = (yaml: string) => {
      const file = join(folder, "Pulumi.dc2.yaml");
      writeFileSync(
        file,
        `config:\n  dc:aptMirrors:\n    ${yaml}\n    other:\n      password:\n        secure: AAA=\n`,
      );
      const given = { aptMirrors: { open: { upstream: { credentials: { username: "me", password } } } } };
      return plainSecrets(given, { project: "dc", stack: "dc2", file, isEncrypted: () => true });
    };

    test.each(Object.entries(ways))("is found beside encrypted values in %s", (_, yaml) => {
      expect(findings(yaml)).toHaveLength(1);
    });

    test("is not found when it is encrypted", () => {
      expect(findings("password:\n      secure: v1:abc")).toEqual([]);
    });
  },
);

test.each<[string, string, boolean]>([
  ["aptMirrors.a.upstream.credentials.password", "x", true],
  ["aptMirrors.a.upstream.credentials.token", "x", true],
  ["aptMirrors.a.upstream.proxy", "http://name:word@proxy:3128", true],
  ["aptMirrors.a.upstream.proxy", "http://proxy:3128", false],
  ["anything", "-----BEGIN RSA PRIVATE KEY-----\nx", true],
  ["anything", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nx", true],
  ["aptMirrors.a.upstream.key", "-----BEGIN PGP PUBLIC KEY BLOCK-----", false],
  ["aptMirrors.a.serve.tls.certificate", "-----BEGIN CERTIFICATE-----", false],
  // In a wrong place, where no schema marks them.
  ["maas.apiKey", "x", true],
  ["aptMirrors.a.upstream.password", "x", true],
  ["aptMirrors.a.upstream.token", "x", true],
  ["aptMirrors.a.tls.key", "x", true],
  ["aptMirrors.a.upstream.key", "ubuntu.asc", false],
])("%s with %j is a secret: %p", (path, value, expected) => {
  expect(isSecret(path.split("."), value)).toBe(expected);
});
