import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { configureSsh, type Destination, resolveDestination } from "../../../hosts/destination.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ssh-config-"));
});
afterAll(() => {
  configureSsh({ configFile: undefined });
  rmSync(folder, { recursive: true });
});

let files = 0;
/** The settings that the real ssh reads from a configuration. */
function resolve(config: string, name: string): Promise<Destination> {
  const file = join(folder, `config-${files++}`);
  writeFileSync(file, config);
  configureSsh({ configFile: file });
  return resolveDestination(name);
}

describe("a destination that ssh resolves", () => {
  test("has all settings of the configuration", async () => {
    const destination = await resolve(
      `Host mirror
        HostName 127.0.0.1
        User ops
        Port 2222
        IdentityFile ~/.ssh/lab_%h_%r
        IdentityFile /etc/keys/b
        CertificateFile ~/.ssh/%r-cert.pub
        CertificateFile /etc/keys/c-cert.pub
        CASignatureAlgorithms ssh-ed25519,rsa-sha2-512
        RevokedHostKeys ~/.ssh/revoked
        PKCS11Provider /usr/lib/token.so
        IdentitiesOnly yes
        IdentityAgent /run/%u/agent
        UserKnownHostsFile /tmp/kh1 /tmp/kh2
        GlobalKnownHostsFile none
        HostKeyAlias the-mirror
        ServerAliveInterval 7
        ServerAliveCountMax 2
        ConnectTimeout 9
        StrictHostKeyChecking accept-new`,
      "mirror",
    );
    expect(destination).toEqual({
      name: "mirror",
      hostname: "127.0.0.1",
      port: 2222,
      user: "ops",
      identityFiles: [join(homedir(), ".ssh/lab_127.0.0.1_ops"), "/etc/keys/b"],
      certificateFiles: [join(homedir(), ".ssh/ops-cert.pub"), "/etc/keys/c-cert.pub"],
      certificateSignatures: ["ssh-ed25519", "rsa-sha2-512"],
      revokedHostKeys: join(homedir(), ".ssh/revoked"),
      pkcs11Provider: "/usr/lib/token.so",
      identitiesOnly: true,
      agent: `/run/${userInfo().username}/agent`,
      jumps: [],
      hostKeyAlias: "the-mirror",
      knownHostsFiles: ["/tmp/kh1", "/tmp/kh2"],
      keepaliveSeconds: 7,
      keepaliveCount: 2,
      connectTimeoutSeconds: 9,
      strictHostKeyChecking: "accept-new",
    });
  });

  test("has the defaults of ssh if there is no configuration", async () => {
    const destination = await resolve("", "ops@127.0.0.1");
    expect(destination).toMatchObject({
      hostname: "127.0.0.1",
      user: "ops",
      port: 22,
      jumps: [],
      identitiesOnly: false,
    });
    expect(destination.knownHostsFiles).toContain("/etc/ssh/ssh_known_hosts");
    expect(destination.certificateFiles).toEqual([]);
    expect(destination.certificateSignatures).toContain("ssh-ed25519");
    expect(destination.certificateSignatures).not.toContain("ssh-rsa");
    expect(destination.pkcs11Provider).toBeUndefined();
    expect(destination.revokedHostKeys).toBeUndefined();
  });

  test("has all hops of ProxyJump, and the name behind them is not resolved here", async () => {
    const config =
      "Host inner\n HostName inner.invalid\n ProxyJump ops@edge:2200,[fd00::1]:22,ssh://x@last:23";
    expect((await resolve(config, "inner")).jumps).toEqual([
      { name: "edge", user: "ops", port: 2200 },
      { name: "fd00::1", port: 22 },
      { name: "last", user: "x", port: 23 },
    ]);
  });

  test("has the agent of IdentityAgent, which can be none, and otherwise of SSH_AUTH_SOCK", async () => {
    process.env.SSH_AUTH_SOCK = "/run/some/agent";
    expect((await resolve("Host *\n IdentityAgent none", "127.0.0.1")).agent).toBeUndefined();
    expect((await resolve("", "127.0.0.1")).agent).toBe("/run/some/agent");
    process.env.OTHER_AGENT = "/run/other";
    expect((await resolve("Host *\n IdentityAgent $OTHER_AGENT", "127.0.0.1")).agent).toBe("/run/other");
    delete process.env.SSH_AUTH_SOCK;
    delete process.env.OTHER_AGENT;
  });

  test.each([
    [
      "a name that does not resolve",
      "",
      "mirror.invalid",
      /mirror\.invalid.*does not resolve[\s\S]*HostName/,
    ],
    ["a name with a leading dash", "", "-oProxyCommand=id", /not a valid host name for ssh/],
    ["a name with a space", "", "a b", /not a valid host name for ssh/],
    ["an empty name", "", "", /not a valid host name for ssh/],
    [
      "a configuration that ssh cannot read",
      "Host x\n Prot 22",
      "127.0.0.1",
      /option: prot[\s\S]*What to do: Run `ssh -G/,
    ],
    ["ProxyCommand", "Host *\n ProxyCommand nc %h %p", "127.0.0.1", /ProxyCommand[\s\S]*ProxyJump/],
  ])("is refused for %s, with an explanation", async (_, config, name, message) => {
    await expect(resolve(config, name)).rejects.toThrow(message);
  });

  test("a missing configuration file is an error that names the setting of the path", async () => {
    const gone = join(folder, "gone");
    configureSsh({ configFile: gone });
    await expect(resolveDestination("127.0.0.1")).rejects.toThrow(
      /gone: No such file[\s\S]*airgapped-maas:sshConfig[\s\S]*AIRGAPPED_MAAS_SSH_CONFIG to the new file/,
    );
    process.env.AIRGAPPED_MAAS_SSH_CONFIG = gone;
    try {
      await expect(resolveDestination("127.0.0.1")).rejects.toThrow(
        /correct the environment variable AIRGAPPED_MAAS_SSH_CONFIG/,
      );
    } finally {
      delete process.env.AIRGAPPED_MAAS_SSH_CONFIG;
    }
  });

  test("the configuration file of AIRGAPPED_MAAS_SSH_CONFIG has priority", async () => {
    const file = join(folder, "from-environment");
    writeFileSync(file, "Host *\n Port 4711");
    process.env.AIRGAPPED_MAAS_SSH_CONFIG = file;
    try {
      expect((await resolve("Host *\n Port 1", "127.0.0.1")).port).toBe(4711);
    } finally {
      delete process.env.AIRGAPPED_MAAS_SSH_CONFIG;
    }
  });
});
