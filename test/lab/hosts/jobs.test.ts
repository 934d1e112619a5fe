import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Host } from "../../../hosts/host.ts";
import { sh } from "../../../hosts/shell.ts";
import type { Lab } from "../../../lab/lab.ts";
import { labForTests, TestSsh } from "../lab-for-tests.ts";
import { tcpProxy } from "../tcp-proxy.ts";

let lab: Lab;
let ssh: TestSsh;
let host: Host;
beforeAll(async () => {
  lab = await labForTests("mirror");
  ssh = new TestSsh(lab);
  host = ssh.host("mirror");
}, 300_000);
afterAll(() => ssh.end());

async function throughProxy() {
  const proxy = await tcpProxy({ host: lab.address("mirror", "outside"), port: 22 });
  return { proxy, host: ssh.host("mirror", { HostName: "127.0.0.1", Port: proxy.port }) };
}

/** Another process with a separate connection to a host. */
function elsewhere(code: string) {
  const program = `
    const { configureSsh, hostNamed } = await import(${JSON.stringify(join(import.meta.dirname, "../../../hosts/connections.ts"))});
    configureSsh({ configFile: ${JSON.stringify(ssh.configFile)} });
    const host = hostNamed(${JSON.stringify(ssh.host("mirror").name)});
    ${code}`;
  return spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

describe("a job on the host", () => {
  test("reports its lines, reads its input, and returns its exit status", async () => {
    const lines: string[] = [];
    const script = 'echo one; cat "$JOB_INPUT"; echo err >&2; exit 4';
    const result = await host.job({
      name: "t-plain",
      script,
      input: Buffer.from("two\n"),
      onProgress: (line) => lines.push(line),
      allowFailure: true,
    });
    expect(result).toEqual({ code: 4, tail: ["one", "two", "err"], attached: false });
    expect(lines).toEqual(["one", "two", "err"]);
  });

  test("that fails throws an error with its last output", async () => {
    await expect(
      host.job({ name: "t-fails", script: "echo reading; echo no such key >&2; exit 9" }),
    ).rejects.toThrow(/running the job t-fails: exit status 9: reading\nno such key/);
  });

  test("continues when the connection is cut, and no line of its log is lost or repeated", async () => {
    const { proxy, host: far } = await throughProxy();
    const lines: string[] = [];
    let cuts = 0;
    const script = "for i in $(seq 12); do echo line $i; sleep 0.2; done; exit 6";
    const result = await far.job({
      name: "t-cut",
      script,
      allowFailure: true,
      onProgress: (line) => {
        lines.push(line);
        if (/ (3|6|9)$/.test(line)) {
          cuts++;
          proxy.cut();
        }
      },
    });
    expect(lines).toEqual(Array.from({ length: 12 }, (_, n) => `line ${n + 1}`));
    expect([result.code, cuts]).toEqual([6, 3]);
    await proxy.close();
  });

  test("is attached to, not started again, even after a kill of the process that started it", async () => {
    await host.run("rm -f /root/starts");
    const script =
      "echo x >> /root/starts; echo started; while [ ! -e /root/go-on ]; do sleep 0.1; done; echo ended";
    await host.run("rm -f /root/go-on");
    const starter = elsewhere(
      `await host.job({ name: "t-attach", script: ${JSON.stringify(script)}, onProgress: console.log });`,
    );
    await once(starter.stdout, "data");
    starter.kill("SIGKILL");
    await once(starter, "exit");
    const lines: string[] = [];
    const attached = [1, 2].map(() =>
      host.job({ name: "t-attach", script, onProgress: (line) => lines.push(line) }),
    );
    while (lines.length < 2) await pause(10);
    await host.run("touch /root/go-on");
    for (const result of await Promise.all(attached))
      expect(result).toEqual({ code: 0, tail: ["started", "ended"], attached: true });
    expect((await host.run("cat /root/starts")).stdout).toBe("x\n");
  });

  test("of the same name with another script waits for the end of the first", async () => {
    await host.run("rm -f /root/order");
    const job = (n: number) => ({
      name: "t-order",
      script: sh`echo in ${n} >> /root/order; echo here; sleep 0.5; echo out ${n} >> /root/order`,
    });
    const first = Promise.withResolvers<void>();
    const messages: string[] = [];
    const one = host.job({ ...job(1), onProgress: () => first.resolve() });
    await first.promise;
    const two = await host.job({ ...job(2), onProgress: (line) => messages.push(line) });
    await one;
    expect(two.attached).toBe(false);
    expect(messages[0]).toMatch(/waiting for another t-order/);
    expect((await host.run("cat /root/order")).stdout).toBe("in 1\nout 1\nin 2\nout 2\n");
  });

  test("has its secret in memory, for root only, and no copy remains after its end or a kill", async () => {
    const secret = "a 'secret' of $HOME";
    const left = async () =>
      (await host.run(`grep -rl "'secret'" /run/airgapped-maas/jobs/t-secret* || true`)).stdout;
    const look = `stat -c '%a %U' "$JOB_SECRET"; stat -f -c %T "$JOB_SECRET"; sha256sum <"$JOB_SECRET"; env; ps -eo args`;
    const { tail } = await host.job({ name: "t-secret", secret, script: look });
    const digest = createHash("sha256").update(secret).digest("hex");
    expect(tail.slice(0, 3)).toEqual(["600 root", "tmpfs", `${digest}  -`]);
    expect(tail.join()).not.toContain("'secret'");
    expect(await left()).toBe("");

    const running = host.job({
      name: "t-secret-killed",
      secret,
      script: "echo here; sleep 60",
      onProgress: () => host.run("systemctl kill -s KILL airgapped-maas-t-secret-killed"),
    });
    await expect(running).rejects.toThrow(/ended by a stop or a reboot/);
    expect(await left()).toBe("");
  });

  test("that somebody stops with systemctl throws an error", async () => {
    const running = host.job({
      name: "t-stopped",
      script: "echo here; sleep 60",
      onProgress: () => host.run("systemctl stop airgapped-maas-t-stopped"),
    });
    await expect(running).rejects.toThrow(/ended by a stop or a reboot.*its last output: here/);
  });
});
