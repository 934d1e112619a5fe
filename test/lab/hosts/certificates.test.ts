import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { roundTrips } from "../../../hosts/connection-pool.ts";
import type { Lab } from "../../../lab/lab.ts";
import { labForTests, type SshSettings, TestSsh } from "../lab-for-tests.ts";
import { type TcpProxy, tcpProxy } from "../tcp-proxy.ts";

let lab: Lab;
let ssh: TestSsh;
let address: string;
/** A known_hosts file with only `@cert-authority` lines. */
let known: string;
/** Authorities for users and for hosts. */
let userAuthority: string;
let hostAuthority: string;

/** An sshd that accepts and shows certificates only. */
const certifiedPort = 2222;
/** The same with another key and an expired certificate. */
const expiredPort = 2223;

/** Signs a public key file. The certificate is written beside it. */
function sign(authority: string, publicFile: string, ...args: string[]): string {
  execFileSync("ssh-keygen", ["-q", "-s", authority, "-I", "made for a test", ...args, publicFile]);
  return publicFile.replace(/\.pub$/, "-cert.pub");
}

/** Starts a separate sshd on a lab host. */
async function sshd(host: string, port: number, principals: string, ...validity: string[]): Promise<void> {
  const { file } = ssh.key(`${host}-${port}`);
  const certificate = sign(hostAuthority, `${file}.pub`, "-h", "-n", principals, ...validity);
  const settings = [
    `Port ${port}`,
    `HostKey /etc/ssh/test-${port}`,
    `HostCertificate /etc/ssh/test-${port}-cert.pub`,
    "TrustedUserCAKeys /etc/ssh/test-users.pub",
    "AuthorizedKeysFile none",
    "PasswordAuthentication no",
    "PermitRootLogin prohibit-password",
    `PidFile /run/test-sshd-${port}.pid`,
  ];
  const put = (path: string, content: string) => `cat > ${path} <<'END'\n${content.trim()}\nEND\n`;
  const started = await lab.sh(
    host,
    `set -e; umask 077
     ${put(`/etc/ssh/test-${port}`, readFileSync(file, "utf8"))}
     ${put(`/etc/ssh/test-${port}-cert.pub`, readFileSync(certificate, "utf8"))}
     ${put("/etc/ssh/test-users.pub", readFileSync(`${userAuthority}.pub`, "utf8"))}
     ${put(`/etc/ssh/test-${port}.conf`, settings.join("\n"))}
     /usr/sbin/sshd -f /etc/ssh/test-${port}.conf`,
  );
  expect([started.code, started.stderr]).toEqual([0, ""]);
}

beforeAll(async () => {
  lab = await labForTests("mirror", "client");
  ssh = new TestSsh(lab);
  address = lab.address("mirror", "outside");
  userAuthority = ssh.key("users").file;
  hostAuthority = ssh.key("hosts", { type: "ecdsa" }).file;
  const authority = readFileSync(`${hostAuthority}.pub`, "utf8").trim();
  known = ssh.file("known", `@cert-authority mirror.test,client.test ${authority}\n`);
  await sshd("mirror", certifiedPort, "mirror.test");
  await sshd("mirror", expiredPort, "mirror.test", "-V", "20200101:20210101");
  await sshd("client", certifiedPort, "client.test");
}, 300_000);
afterAll(async () => {
  for (const host of ["mirror", "client"])
    await lab.sh(host, "cat /run/test-sshd-*.pid | xargs kill; rm -f /etc/ssh/test-*");
  await ssh.end();
});

/** A user's key with a certificate, by default for `ops`. */
function user(name: string, options: { type?: string; args?: readonly string[] } = {}): string {
  const { file } = ssh.key(name, options.type ? { type: options.type } : {});
  sign(userAuthority, `${file}.pub`, ...(options.args ?? ["-n", "ops,root"]));
  return file;
}

/** The settings of a host with certificates only. */
function certified(settings: SshSettings = {}): SshSettings {
  const over = { HostKeyAlias: "mirror.test", Port: certifiedPort, UserKnownHostsFile: known };
  return { ...over, ...settings };
}

describe("a host that accepts only user certificates, and has a host certificate", () => {
  test.each(["ed25519", "ecdsa", "rsa"])(
    "accepts a certificate of type %s in the file beside the key",
    async (type) => {
      const host = ssh.host("mirror", certified({ IdentityFile: user(`beside-${type}`, { type }) }));
      expect((await host.run("echo in")).stdout).toBe("in\n");
    },
  );

  test("accepts a certificate that CertificateFile names, and its own is read only once", async () => {
    const key = user("elsewhere");
    const moved = ssh.file("moved.pub", readFileSync(`${key}-cert.pub`));
    const plain = ssh.file("plain", readFileSync(key));
    const proxy = await tcpProxy({ host: address, port: certifiedPort });
    const settings = { HostName: "127.0.0.1", Port: proxy.port, IdentityFile: plain, CertificateFile: moved };
    const host = ssh.host("mirror", certified(settings));
    // More sessions in parallel than one connection supports.
    const answers = await Promise.all(Array.from({ length: 30 }, () => host.run("sleep 1; echo in")));
    expect(new Set(answers.map(({ stdout }) => stdout))).toEqual(new Set(["in\n"]));
    const handshakes = roundTrips.get(host.name)?.handshakes ?? 0;
    expect(handshakes).toBeGreaterThan(1);
    // ssh-keyscan makes one connection for each type of key.
    expect(proxy.accepted).toBe(handshakes + 3);
    await proxy.close();
  });

  test("accepts certificates in the agent, and certificate files for keys in the agent", async () => {
    const socket = join(ssh.folder, "agent");
    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    const env = { ...process.env, SSH_AUTH_SOCK: socket };
    const settings = { IdentityAgent: socket, IdentityFile: "none" };
    try {
      while (!existsSync(socket)) await pause(5);
      for (const type of ["rsa", "ecdsa", "ed25519"]) {
        const key = user(`agent-${type}`, { type });
        execFileSync("ssh-add", ["-q", key], { env, stdio: "ignore" });
        const all = ssh.host("mirror", certified({ ...settings, IdentitiesOnly: "no" }));
        expect([type, (await all.run("echo in")).stdout]).toEqual([type, "in\n"]);
        execFileSync("ssh-add", ["-q", "-D"], { env, stdio: "ignore" });
        const certificate = ssh.file(`${type}-moved.pub`, readFileSync(`${key}-cert.pub`));
        const plain = ssh.file(`${type}-plain`, readFileSync(key));
        execFileSync("ssh-add", ["-q", plain], { env, stdio: "ignore" });
        const named = ssh.host("mirror", certified({ ...settings, CertificateFile: certificate }));
        expect([type, (await named.run("echo in")).stdout]).toEqual([type, "in\n"]);
        execFileSync("ssh-add", ["-q", "-D"], { env, stdio: "ignore" });
      }
    } finally {
      agent.kill();
      await once(agent, "exit");
    }
  });

  test("is reached through a jump host of this kind, and refused there under another name", async () => {
    const IdentityFile = user("both");
    const hop = ssh.host("mirror", certified({ IdentityFile }));
    const settings = certified({ IdentityFile, HostKeyAlias: "client.test", ProxyJump: hop.name });
    expect((await ssh.host("client", settings).run("hostname")).stdout).toBe("client\n");
    const other = ssh.host("client", { ...settings, HostKeyAlias: "mirror.test" });
    await expect(other.run("true")).rejects.toThrow(/is for client\.test, not for mirror\.test/);
  });

  test("is accepted although known_hosts also lists an old key of it", async () => {
    const stale = ssh.key("stale").publicLine;
    const both = ssh.file("both-known", `${readFileSync(known, "utf8")}mirror.test ${stale}\n`);
    const host = ssh.host("mirror", certified({ IdentityFile: user("to-stale"), UserKnownHostsFile: both }));
    expect((await host.run("echo in")).stdout).toBe("in\n");
  });
});

describe("a host's certificate is refused", () => {
  let IdentityFile: string;
  beforeAll(() => {
    IdentityFile = user("refusing");
  });
  const answer = (settings: SshSettings) =>
    ssh
      .host("mirror", certified({ IdentityFile, ...settings }))
      .run("touch /root/was-here")
      .catch(String);

  test("when it is for another name", async () => {
    const wide = ssh.file("wide", readFileSync(known, "utf8").replace(/mirror\.test\S*/, "*"));
    expect(await answer({ HostKeyAlias: "other.test", UserKnownHostsFile: wide })).toMatch(
      /is for mirror\.test, not for other\.test[\s\S]*HostKeyAlias/,
    );
  });

  test("when another authority has signed it", async () => {
    const other = ssh.file("other-authority", `@cert-authority * ${ssh.key("other").publicLine}\n`);
    expect(await answer({ UserKnownHostsFile: other })).toMatch(/another authority .*other-authority:1/);
  });

  test("when it has expired", async () => {
    expect(await answer({ Port: expiredPort })).toMatch(
      /has expired: valid from 20\S+ to 20\S+, and it is [\s\S]*Sign the host's key again/,
    );
  });

  test("when RevokedHostKeys lists its authority or its key", async () => {
    const list = join(ssh.folder, "revoked");
    for (const revoked of [hostAuthority, join(ssh.folder, `mirror-${certifiedPort}`)]) {
      execFileSync("ssh-keygen", ["-q", "-k", "-f", list, `${revoked}.pub`], { stdio: "ignore" });
      expect(await answer({ RevokedHostKeys: list })).toMatch(/is revoked in .*revoked[\s\S]*Do not connect/);
    }
  });

  test("when the host has none, and the error names the known_hosts line of the authority", async () => {
    expect(await answer({ Port: 22 })).toMatch(
      /it has no certificate, and for mirror\.test only an authority is known, no key: ecdsa.*known:1[\s\S]*HostCertificate/,
    );
  });

  test("when the server that shows it does not have its private key", async () => {
    // An attacker in between can show the real host's certificate, and log users in to another host.
    const between: TcpProxy = await tcpProxy({
      host: address,
      get port() {
        return between.accepted === 1 ? expiredPort : certifiedPort;
      },
    });
    const message = await answer({ HostName: "127.0.0.1", Port: between.port });
    expect(message).toMatch(
      /its key is ssh-ed25519 \S+, but the known key is ssh-ed25519 \S+ \(certificate "made for a test" by/,
    );
    // The login's own, and one of ssh-keyscan for each type of key.
    expect(between.accepted).toBe(4);
    await between.close();
  });

  afterAll(async () => {
    expect((await lab.sh("mirror", "test -e /root/was-here")).code).not.toBe(0);
  });
});

describe("the error explains a refused user certificate:", () => {
  test.each<[name: string, args: string[], message: RegExp]>([
    [
      "expired",
      ["-n", "ops", "-V", "20200101:20210101"],
      /has expired: valid from[\s\S]*Get a new certificate/,
    ],
    ["not valid yet", ["-n", "ops", "-V", "20990101:21000101"], /is not yet valid: [\s\S]*set it/],
    ["for another user", ["-n", "somebody"], /is for somebody, not for ops[\s\S]*AuthorizedPrincipalsFile/],
    ["for no user", [], /is not valid for any user[\s\S]*-n ops/],
    ["for hosts", ["-h", "-n", "ops"], /is a host certificate/],
  ])("%s", async (name, args, message) => {
    const IdentityFile = user(`refused-${name.replaceAll(" ", "-")}`, { args });
    const host = ssh.host("mirror", certified({ IdentityFile }));
    await expect(host.run("true")).rejects.toThrow(message);
  });

  test("signed by an authority that the host does not know", async () => {
    const { file } = ssh.key("of-a-stranger");
    sign(ssh.key("stranger").file, `${file}.pub`, "-n", "ops");
    await expect(ssh.host("mirror", certified({ IdentityFile: file })).run("true")).rejects.toThrow(
      /offered: certificate .*of-a-stranger-cert\.pub, key [\s\S]*TrustedUserCAKeys must name .*SHA256:/,
    );
  });

  test("without permit-port-forwarding, when a tunnel is opened", async () => {
    const IdentityFile = user("no-tunnels", { args: ["-n", "ops", "-O", "no-port-forwarding"] });
    const host = ssh.host("mirror", certified({ IdentityFile }));
    expect((await host.run("echo in")).stdout).toBe("in\n");
    await expect(host.fetch("http://127.0.0.1:9/")).rejects.toThrow(/permit-port-forwarding/);
  });
});
