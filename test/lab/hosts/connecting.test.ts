import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { roundTrips } from "../../../hosts/connection-pool.ts";
import type { Lab } from "../../../lab/lab.ts";
import { labForTests, TestSsh } from "../lab-for-tests.ts";
import { tcpProxy } from "../tcp-proxy.ts";

let lab: Lab;
let ssh: TestSsh;
let address: string;
/** The host's key, read on the host itself. */
let realFingerprint: string;

beforeAll(async () => {
  lab = await labForTests("mirror", "client");
  ssh = new TestSsh(lab);
  address = lab.address("mirror", "outside");
  const shown = await lab.sh("mirror", "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
  realFingerprint = shown.stdout.split(" ")[1] ?? "";
  expect(realFingerprint).toMatch(/^SHA256:/);
}, 300_000);
afterAll(() => ssh.end());

describe("the error explains why a host cannot be reached:", () => {
  test("no process listens on the port", async () => {
    const host = ssh.host("mirror", { Port: 9 });
    await expect(host.run("true")).rejects.toThrow(
      /connecting to .* port 9: nothing listens on that port .*\n.*What to do: Start/,
    );
  });

  test("no host has that address", async () => {
    const host = ssh.host("mirror", { HostName: address.replace(/\d+$/, "251"), ConnectTimeout: 1 });
    await expect(host.run("true")).rejects.toThrow(/(does not answer|no route to that address)/);
  });

  test("it accepts the connection and then sends nothing", async () => {
    const proxy = await tcpProxy({ host: address, port: 22 });
    proxy.freeze();
    const host = ssh.host("mirror", { HostName: "127.0.0.1", Port: proxy.port, ConnectTimeout: 1 });
    await expect(host.run("true")).rejects.toThrow(
      /did not finish the login within 1 s[\s\S]*ConnectTimeout/,
    );
    await proxy.close();
  });

  test("it refuses all connections", async () => {
    const proxy = await tcpProxy({ host: address, port: 22 });
    proxy.refuse(true);
    const host = ssh.host("mirror", { HostName: "127.0.0.1", Port: proxy.port });
    await expect(host.run("true")).rejects.toThrow(/broke before it was usable[\s\S]*MaxStartups/);
    expect(proxy.accepted).toBeGreaterThan(1);
    await proxy.close();
  });

  test("it refuses connections for a moment, which is not an error", async () => {
    const proxy = await tcpProxy({ host: address, port: 22 });
    proxy.refuse(true);
    const host = ssh.host("mirror", { HostName: "127.0.0.1", Port: proxy.port });
    const running = host.run("echo there");
    while (proxy.accepted === 0) await pause(5);
    proxy.refuse(false);
    expect((await running).stdout).toBe("there\n");
    await proxy.close();
  });

  test("a jump host cannot reach it", async () => {
    const host = ssh.host("client", { HostName: "127.0.0.1", Port: 9, HostKeyAlias: "nobody" });
    await expect(host.run("true")).rejects.toThrow(/connecting to 127.0.0.1 port 9 through mirror-.*refused/);
  });
});

describe("the key of a host is checked:", () => {
  test.each(["ask", "no", "accept-new"])(
    "an unknown key is refused with StrictHostKeyChecking %s",
    async (strict) => {
      const known = join(ssh.folder, "empty");
      const host = ssh.host("mirror", { UserKnownHostsFile: known, StrictHostKeyChecking: strict });
      const error = await host.run("touch /root/was-here").catch((reason: Error) => reason);
      expect(String(error)).toContain(`ssh-ed25519 ${realFingerprint} is not known as ${address}`);
      expect(String(error)).toMatch(/ssh-keyscan -p 22/);
      expect(/is ignored here/.test(String(error))).toBe(strict !== "ask");
      expect(existsSync(known)).toBe(false);
      expect((await lab.sh("mirror", "test -e /root/was-here")).code).not.toBe(0);
    },
  );

  test("a changed key is refused, and the error has both fingerprints", async () => {
    const other = ssh.key("other-host-key");
    const known = ssh.file("changed", `${address} ${other.publicLine}\n`);
    const before = execFileSync("ssh-keygen", ["-lf", `${other.file}.pub`], { encoding: "utf8" }).split(
      " ",
    )[1];
    const error = await ssh.host("mirror", { UserKnownHostsFile: known }).run("true").catch(String);
    expect(error).toContain(
      `its key is ssh-ed25519 ${realFingerprint}, but the known key is ssh-ed25519 ${before} (${known}:1)`,
    );
    expect(error).toContain(`ssh-keygen -f ${known} -R '${address}'`);
  });

  test("a key of another type than the known key is refused", async () => {
    const other = ssh.key("other-type", { type: "ecdsa" });
    const known = ssh.file("other-types", `${address} ${other.publicLine}\n`);
    await expect(ssh.host("mirror", { UserKnownHostsFile: known }).run("true")).rejects.toThrow(
      /checking the host's key: (it has no key of the types known|its key is ecdsa.*, but the known key is)/,
    );
  });

  test("a revoked key is refused although it is also listed as known", async () => {
    const line = (await lab.sh("mirror", "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub")).stdout.trim();
    const known = ssh.file("revoked", `${address} ${line}\n@revoked * ${line}\n`);
    await expect(ssh.host("mirror", { UserKnownHostsFile: known }).run("true")).rejects.toThrow(
      /@revoked in .*:2/,
    );
  });

  test("a key with a hashed name in known_hosts is found", async () => {
    const line = (await lab.sh("mirror", "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub")).stdout.trim();
    const known = ssh.file("hashed", `${address} ${line}\n`);
    execFileSync("ssh-keygen", ["-q", "-H", "-f", known], { stdio: "ignore" });
    expect((await ssh.host("mirror", { UserKnownHostsFile: known }).run("echo in")).stdout).toBe("in\n");
  });

  test("a jump host with an unknown key is refused", async () => {
    const hop = ssh.host("mirror", { UserKnownHostsFile: join(ssh.folder, "empty") });
    const host = ssh.host("client", { ProxyJump: hop.name });
    await expect(host.run("true")).rejects.toThrow(new RegExp(`host ${hop.name}: checking the host's key`));
  });
});

describe("a login", () => {
  test("with a key that the host refuses: the error names the key and authorized_keys", async () => {
    const { file } = ssh.key("stranger");
    await expect(ssh.host("mirror", { IdentityFile: file }).run("true")).rejects.toThrow(
      new RegExp(
        `logging in as ops@.*: the host accepts none of them \\(offered: key ${file}\\)[\\s\\S]*authorized_keys`,
      ),
    );
  });

  test("with a key that needs a passphrase: the error names ssh-add", async () => {
    const { file } = ssh.key("locked", { passphrase: "open sesame" });
    await expect(ssh.host("mirror", { IdentityFile: file }).run("true")).rejects.toThrow(
      new RegExp(`${file} needs a passphrase[\\s\\S]*ssh-add ${file}`),
    );
  });

  test("without any key: the error reports this", async () => {
    const host = ssh.host("mirror", { IdentityFile: join(ssh.folder, "there-is-none") });
    await expect(host.run("true")).rejects.toThrow(/there is no key to offer/);
  });

  test("uses the agent's keys, and with IdentitiesOnly only those that are named", async () => {
    const socket = join(ssh.folder, "agent");
    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    try {
      while (!existsSync(socket)) await pause(5);
      const stranger = ssh.key("in-agent-only");
      for (const key of [stranger.file, lab.paths.key]) {
        execFileSync("ssh-add", ["-q", key], {
          env: { ...process.env, SSH_AUTH_SOCK: socket },
          stdio: "ignore",
        });
      }
      const none = join(ssh.folder, "there-is-none");
      const all = ssh.host("mirror", { IdentityAgent: socket, IdentityFile: none, IdentitiesOnly: "no" });
      expect((await all.run("echo in")).stdout).toBe("in\n");
      // The test has only the public key, so the agent signs.
      const named = ssh.file("named.pub", execFileSync("ssh-keygen", ["-yf", lab.paths.key]));
      const one = ssh.host("mirror", { IdentityAgent: socket, IdentityFile: named });
      expect((await one.run("echo in")).stdout).toBe("in\n");
      const wrong = ssh.host("mirror", { IdentityAgent: socket, IdentityFile: `${stranger.file}.pub` });
      await expect(wrong.run("true")).rejects.toThrow(/accepts none of them \(offered: agent \(1 key\)\)/);
    } finally {
      agent.kill();
      await once(agent, "exit");
    }
  });

  test("as a user who needs a password for sudo, or may not use it: the error names NOPASSWD", async () => {
    await lab.sh(
      "mirror",
      `for user in asked never; do
         id $user 2>/dev/null || useradd -m -s /bin/sh $user
         install -d -m 700 -o $user /home/$user/.ssh
         cp ~ops/.ssh/authorized_keys /home/$user/.ssh/ 2>/dev/null || cp $(sshd -T | awk '/^authorizedkeysfile/{print $2}' | sed s,%u,ops,) /home/$user/.ssh/authorized_keys
         chown -R $user /home/$user/.ssh
       done
       echo 'asked ALL=(ALL) ALL' > /etc/sudoers.d/asked; chmod 440 /etc/sudoers.d/asked`,
    );
    for (const User of ["asked", "never"]) {
      const error = await ssh.host("mirror", { User }).run("true").catch(String);
      expect(error).toMatch(/did not run it as root: sudo: a password is required[\s\S]*NOPASSWD/);
    }
  });
});

describe("the error explains a failed login, and does not report a lost connection:", () => {
  /** A user of the host with a separate login shell and start-up files, who may use sudo. */
  async function user(name: string, shell: string, startUp = "", more = ""): Promise<void> {
    const made = await lab.sh(
      "mirror",
      `set -e
       id ${name} >/dev/null 2>&1 || useradd -m ${name}
       usermod -s ${shell} ${name}
       install -d -m 700 -o ${name} /home/${name}/.ssh
       cp ~ops/.ssh/authorized_keys /home/${name}/.ssh/ 2>/dev/null || cp $(sshd -T | awk '/^authorizedkeysfile/{print $2}' | sed s,%u,ops,) /home/${name}/.ssh/authorized_keys
       chown -R ${name} /home/${name}/.ssh
       printf '%s\\n' ${JSON.stringify(startUp)} > /home/${name}/.bashrc
       echo '${name} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/${name}; chmod 440 /etc/sudoers.d/${name}
       ${more}`,
    );
    expect([made.code, made.stderr]).toEqual([0, ""]);
  }

  test.each<[name: string, shell: string, message: RegExp]>([
    ["nologin", "/usr/sbin/nologin", /This account is currently not available[\s\S]*a user with a shell/],
    ["false", "/bin/false", /did not run it as root: exit status 1/],
    ["restricted", "/bin/rbash", /restricted[\s\S]*ordinary shell/],
  ])("a login shell that runs no commands (%s), at each attempt", async (name, shell, message) => {
    await user(name, shell);
    const host = ssh.host("mirror", { User: name });
    const answers = await Promise.all(Array.from({ length: 12 }, () => host.run("true").catch(String)));
    for (const answer of answers) expect(answer).toMatch(message);
  });

  test("sudo that needs a terminal (names requiretty)", async () => {
    await user(
      "needs-tty",
      "/bin/bash",
      "",
      "echo 'Defaults:needs-tty requiretty' >> /etc/sudoers.d/needs-tty",
    );
    await expect(ssh.host("mirror", { User: "needs-tty" }).run("true")).rejects.toThrow(/requiretty/);
  });

  test("a start-up file that reads standard input (names it, after a time limit)", async () => {
    await user("reads", "/bin/bash", "while read -r line; do :; done");
    const host = ssh.host("mirror", { User: "reads", ConnectTimeout: 1 });
    await expect(host.run("true")).rejects.toThrow(
      /login shell of reads did not start it within 3 s[\s\S]*\.bashrc/,
    );
  });

  test("a start-up file that prints much text is not an error", async () => {
    await user("prints", "/bin/bash", "head -c 300000 /dev/zero | tr '\\\\0' x; echo");
    expect((await ssh.host("mirror", { User: "prints" }).run("echo in")).stdout).toBe("in\n");
  });

  test("an expired account (names it)", async () => {
    await user("expired", "/bin/bash", "", "chage -E 1 expired");
    await expect(ssh.host("mirror", { User: "expired" }).run("true")).rejects.toThrow(
      /logging in as expired@[\s\S]*during the login[\s\S]*chage -l expired/,
    );
  });

  test("an agent with more keys than the host accepts (names IdentitiesOnly)", async () => {
    const socket = join(ssh.folder, "full-agent");
    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    try {
      while (!existsSync(socket)) await pause(5);
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      for (let index = 0; index < 20; index++) {
        execFileSync("ssh-add", ["-q", ssh.key(`agent-${index}`).file], { env, stdio: "ignore" });
      }
      const host = ssh.host("mirror", { IdentityAgent: socket, IdentitiesOnly: "no", IdentityFile: "none" });
      await expect(host.run("true")).rejects.toThrow(/agent \(20 keys\)[\s\S]*IdentitiesOnly yes/);
    } finally {
      agent.kill();
      await once(agent, "exit");
    }
  });
});

describe("connections to hosts:", () => {
  test("one connection is shared by all commands on the host and by the hosts behind it", async () => {
    const hop = ssh.host("mirror");
    const inner = ssh.host("client", { ProxyJump: hop.name });
    const answers = await Promise.all([hop, inner, hop, inner].map((host) => host.run("hostname")));
    expect(answers.map(({ stdout }) => stdout)).toEqual(["mirror\n", "client\n", "mirror\n", "client\n"]);
    expect(roundTrips.get(inner.name)).toEqual({ handshakes: 1, channels: 2, tunnels: 0 });
    // The users of the jump host and the connection through it were authenticated with two keys.
    expect(roundTrips.get(hop.name)).toEqual({ handshakes: 1, channels: 2, tunnels: 1 });
  });

  test("an idle connection does not keep the process running, a running command does", async () => {
    const name = ssh.host("mirror").name;
    const program = `
      const { configureSsh, hostNamed } = await import(${JSON.stringify(join(import.meta.dirname, "../../../hosts/connections.ts"))});
      configureSsh({ configFile: ${JSON.stringify(ssh.configFile)} });
      const host = hostNamed(${JSON.stringify(name)});
      await host.run("true");
      host.run("sleep 0.5; echo done").then(({ stdout }) => process.stdout.write(stdout));`;
    const node = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const output = node.stdout.toArray();
    const [code] = await once(node, "exit", { signal: AbortSignal.timeout(20_000) });
    expect([code, Buffer.concat(await output).toString()]).toEqual([0, "done\n"]);
  });

  test("a lost connection is replaced for the next command", async () => {
    const proxy = await tcpProxy({ host: address, port: 22 });
    const host = ssh.host("mirror", { HostName: "127.0.0.1", Port: proxy.port });
    expect((await host.run("echo 1")).stdout).toBe("1\n");
    proxy.cut();
    expect((await host.run("echo 2")).stdout).toBe("2\n");
    await proxy.close();
  });

  test("keep-alives detect a lost route", async () => {
    const proxy = await tcpProxy({ host: address, port: 22 });
    const settings = {
      HostName: "127.0.0.1",
      Port: proxy.port,
      ServerAliveInterval: 1,
      ServerAliveCountMax: 2,
    };
    const host = ssh.host("mirror", settings);
    await host.run("true");
    const running = host.run("sleep 60").catch(String);
    await pause(200);
    proxy.freeze();
    expect(await running).toMatch(/the connection was lost before it ended/);
    await proxy.close();
  });
});
