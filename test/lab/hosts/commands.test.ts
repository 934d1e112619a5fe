import { randomBytes } from "node:crypto";
import { PassThrough, Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { roundTrips } from "../../../hosts/connection-pool.ts";
import type { Host } from "../../../hosts/host.ts";
import { sh } from "../../../hosts/shell.ts";
import type { Lab } from "../../../lab/lab.ts";
import { labForTests, TestSsh } from "../lab-for-tests.ts";
import { tcpProxy } from "../tcp-proxy.ts";

let lab: Lab;
let ssh: TestSsh;
let host: Host;
beforeAll(async () => {
  lab = await labForTests("mirror", "client");
  ssh = new TestSsh(lab);
  host = ssh.host("mirror");
}, 300_000);
afterAll(() => ssh.end());

async function throughProxy() {
  const proxy = await tcpProxy({ host: lab.address("mirror", "outside"), port: 22 });
  return { proxy, host: ssh.host("mirror", { HostName: "127.0.0.1", Port: proxy.port }) };
}

/** Waits until no process on the host has this in its environment, without its arguments. */
async function gone(word: string): Promise<void> {
  while ((await lab.sh("mirror", `pgrep -f '^sleep ${word}$'`)).code === 0) await pause(100);
}

describe("a command that fails", () => {
  test("throws an error with host, step, exit status, last output and remedy", async () => {
    await expect(host.run("echo out; echo why >&2; exit 3", { step: "trying" })).rejects.toThrow(
      new RegExp(`^host ${host.name}: trying: exit status 3: why\\n  What to do: `),
    );
  });

  test("returns its exit status and both outputs unchanged with allowFailure", async () => {
    const result = await host.run("printf 'a\\n\\n'; printf ' b' >&2; exit 7", { allowFailure: true });
    expect(result).toEqual({ code: 7, stdout: "a\n\n", stderr: " b" });
  });

  test("because of a signal returns 137, not success or a lost connection", async () => {
    expect((await host.run("sh -c 'kill -KILL $$'", { allowFailure: true })).code).toBe(137);
  });

  test("because of its syntax throws the shell's error", async () => {
    await expect(host.run("if then (")).rejects.toThrow(/exit status 2: .*[Ss]yntax error/);
  });

  test("does not show a secret in its error", async () => {
    const secret = "hunter2's pass";
    const error = await host
      .run(sh`echo ${`key ${secret} refused`} >&2; exit 1`, { secrets: [secret] })
      .catch(String);
    expect(error).toContain("key [secret] refused");
    expect(error).not.toContain("hunter2");
  });
});

describe("a command that never ends", () => {
  test("is stopped with its children at its time limit", async () => {
    await expect(host.run("sleep 4711 & sleep 4711", { timeoutMs: 300 })).rejects.toThrow(
      /longer than 0.3 s/,
    );
    await gone("4711");
  });

  test("is stopped although it ignores SIGTERM", async () => {
    await expect(host.run("trap '' TERM; sleep 4713", { timeoutMs: 200 })).rejects.toThrow(/longer than/);
    await gone("4713");
  });
});

describe("a cut connection", () => {
  test("makes the running command fail, not succeed, and ends it on the host", async () => {
    const { proxy, host } = await throughProxy();
    const running = host.run("echo started; sleep 4714", { onOutput: () => proxy.cut() });
    await expect(running).rejects.toThrow(/the connection was lost before it ended/);
    await gone("4714");
    await proxy.close();
  });

  test("ends a command before it acts on incomplete input", async () => {
    const { proxy, host } = await throughProxy();
    await host.run("rm -f /root/half /root/acted");
    const cut = proxy.cutAfter(300_000);
    const running = host.run("cat > /root/half; touch /root/acted", { input: randomBytes(3_000_000) });
    await Promise.all([cut, expect(running).rejects.toThrow(/connection was lost/)]);
    while ((await lab.sh("mirror", "pgrep -f '^cat$'")).code === 0) await pause(100);
    expect((await lab.sh("mirror", "ls /root/acted")).code).not.toBe(0);
    await proxy.close();
  });

  test("does not end commands on other connections", async () => {
    const { proxy, host: cutOff } = await throughProxy();
    const other = host.run("sleep 0.5; echo fine");
    const lost = cutOff.run("echo go; sleep 60", { onOutput: () => proxy.cut() });
    await expect(lost).rejects.toThrow(/lost/);
    expect((await other).stdout).toBe("fine\n");
    await proxy.close();
  });
});

describe("many commands at the same time", () => {
  test("all succeed if there are 30 and MaxSessions is 10", async () => {
    const busy = ssh.host("mirror");
    const results = await Promise.all(Array.from({ length: 30 }, (_, n) => busy.run(`sleep 0.1; echo ${n}`)));
    expect(results.map(({ stdout }) => Number(stdout))).toEqual(Array.from({ length: 30 }, (_, n) => n));
  });

  test("succeed if more of them wait for each other than one connection has sessions", async () => {
    const busy = ssh.host("mirror");
    /** A command that ends after another command, started while it runs, has ended. */
    const around = async (depth: number): Promise<string> => {
      if (depth === 0) return (await busy.run("echo innermost")).stdout;
      const input = new PassThrough();
      const started = Promise.withResolvers<void>();
      const outer = busy.run("echo started; cat", { input, onOutput: () => started.resolve() });
      await Promise.race([started.promise, outer]);
      const output = await around(depth - 1);
      input.end();
      await outer;
      return output;
    };
    expect(await around(12)).toBe("innermost\n");
    expect(roundTrips.get(busy.name)?.handshakes).toBeGreaterThan(1);
  });

  test("use one connection if it has enough sessions, however long the login takes", async () => {
    const { proxy, host } = await throughProxy();
    proxy.delay({ up: 100, down: 100 });
    await Promise.all(Array.from({ length: 8 }, () => host.run("true")));
    expect(proxy.accepted).toBe(1);
    await proxy.close();
  });
});

test("a command gets a connection if all sessions are in use for long and the first attempt failed", async () => {
  const { proxy, host } = await throughProxy();
  const inputs = Array.from({ length: 8 }, () => new PassThrough());
  const started = inputs.map(() => Promise.withResolvers<void>());
  const long = inputs.map((input, n) =>
    host.run("echo started; cat", { input, onOutput: () => started[n]?.resolve() }),
  );
  await Promise.all(started.map(({ promise }) => promise));
  expect(proxy.accepted).toBe(1);
  proxy.refuse(true);
  const another = host.run("echo in");
  // All attempts to connect.
  while (proxy.accepted < 5) await pause(50);
  proxy.refuse(false);
  expect((await another).stdout).toBe("in\n");
  for (const input of inputs) input.end();
  await Promise.all(long);
  await proxy.close();
}, 30_000);

describe("input and output of a command:", () => {
  test("10 MB of output arrive complete, without cut characters", async () => {
    const { stdout } = await host.run("yes 'aé日🐧' | head -c 10000012; echo");
    expect(Buffer.byteLength(stdout)).toBe(10_000_013);
    expect(stdout).not.toContain("\ufffd");
    expect(stdout.startsWith("aé日🐧\naé日🐧\n")).toBe(true);
  });

  test("lines of output are complete, even if their bytes arrive in parts", async () => {
    const lines: string[] = [];
    await host.run(
      "yes 'aé日🐧' | head -n 50000; printf é; sleep 0.05; printf é; printf '\\303'; sleep 0.05; printf '\\251'",
      {
        onOutput: (line) => lines.push(line),
      },
    );
    expect(lines).toHaveLength(50_001);
    expect(new Set(lines)).toEqual(new Set(["aé日🐧", "ééé"]));
  });

  test("unusual values and paths arrive unchanged", async () => {
    const odd = [
      "it's",
      '"q"',
      "a b",
      " lead",
      "new\nline",
      "-rf",
      "$HOME `id` $(id)",
      "é日🐧",
      "*",
      "\\n",
      "~",
      "tab\t",
    ];
    const folder = "/root/odd names";
    await host.run(
      sh`rm -rf -- ${folder}; mkdir -- ${folder}; cd ${folder}; for name in ${odd}; do printf "%s\\n" "$name" > ./"$name"; done`,
    );
    const { stdout } = await host.run(
      sh`cd ${folder}; for name in ${odd}; do cat ./"$name"; printf '\\0'; done; rm -r ${folder}`,
    );
    expect(stdout.split("\0").slice(0, -1)).toEqual(odd.map((name) => `${name}\n`));
  });

  test("any kind of input is sent completely, and the command may ignore it", async () => {
    const bytes = randomBytes(2_500_000);
    const sum = async (input: Buffer | Readable) => (await host.run("sha256sum", { input })).stdout;
    const pieces = () =>
      Readable.from([bytes.subarray(0, 1), bytes.subarray(1, 1_000_000), bytes.subarray(1_000_000)]);
    expect(await sum(pieces())).toBe(await sum(bytes));
    expect((await host.run("echo no thanks", { input: bytes })).stdout).toBe("no thanks\n");
    expect((await host.run("head -c 3; sleep 0.1; echo .", { input: bytes.fill("x") })).stdout).toBe(
      "xxx.\n",
    );
    expect((await host.run("cat", { input: "" })).stdout).toBe("");
  });

  test("an error while the input is read ends the command with this error", async () => {
    const input = Readable.from(
      (async function* () {
        yield Buffer.from("part");
        throw new Error("the disk is on fire");
      })(),
    );
    await expect(host.run("cat", { input })).rejects.toThrow(
      /input could not be read \(the disk is on fire\)/,
    );
  });

  test("no process has a part of the script in its arguments", async () => {
    const word = `s${randomBytes(8).toString("hex")}`;
    const seen = await host.run(`: ${word}; cat /proc/[0-9]*/cmdline | tr '\\0' ' '`);
    expect(seen.stdout).toContain("head -c");
    expect(seen.stdout).not.toContain(word);
  });

  test("text that a login prints is not part of the command's output", async () => {
    await lab.sh(
      "mirror",
      "cp -n ~ops/.bashrc ~ops/.bashrc.kept; printf 'echo welcome; echo noise >&2\\n' | cat - ~ops/.bashrc.kept > ~ops/.bashrc",
    );
    try {
      expect(await ssh.host("mirror").run("echo x")).toEqual({ code: 0, stdout: "x\n", stderr: "" });
    } finally {
      await lab.sh("mirror", "mv ~ops/.bashrc.kept ~ops/.bashrc");
    }
  });

  test("a process in the background does not delay the end of the command", async () => {
    expect((await host.run("setsid sleep 30 & echo started")).stdout).toBe("started\n");
    await lab.sh("mirror", "pkill -f '^sleep 30$'");
  });
});

describe("facts", () => {
  test("60 of them need one round trip, on a new connection and on an existing one", async () => {
    const fresh = ssh.host("mirror");
    const all = () =>
      Promise.all(Array.from({ length: 60 }, (_, n) => fresh.facts({ script: `echo ${n}`, parse: Number })));
    expect(await all()).toEqual(Array.from({ length: 60 }, (_, n) => n));
    expect(roundTrips.get(fresh.name)).toEqual({ handshakes: 1, channels: 1, tunnels: 0 });
    await all();
    expect(roundTrips.get(fresh.name)).toEqual({ handshakes: 1, channels: 2, tunnels: 0 });
  });

  test("can be read from a host with read-only file systems", async () => {
    const script = `unshare -m sh -c 'mount -o bind / / && mount -o remount,bind,ro / && cd / && ! touch x 2>/dev/null && echo ok'`;
    expect(await host.facts({ script, parse: (output) => output.trim() })).toBe("ok");
    const readOnly = `unshare -m sh -c 'for d in / /tmp /var /run; do mount -o bind $d $d; mount -o remount,bind,ro $d; done; eval "$0"' `;
    const { factScript } = await import("../../../hosts/facts.ts");
    const facts = factScript(["echo 1", "echo 2"]);
    const result = await host.run(readOnly + sh`${facts.script}`);
    expect(facts.split(result).map((answer) => answer?.stdout)).toEqual(["1\n", "2\n"]);
  });
});
