import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { saying } from "./interruption.ts";
import { type Run, type Running, Stack, succeeded, type Values } from "./stack.ts";
import { SuppliedMaas } from "./supplied-maas.ts";

/*
 * A MAAS with a fault, or without access for us. If an update cannot succeed, it names the host and the remedy, and the
 * next update succeeds. No output has a secret of MAAS.
 */

const labName = "e2e-bad-maas";
let lab: Lab;
let maas: SuppliedMaas;
let stack: Stack;
let expected: readonly string[];
/** Secret parts of API keys that are or were valid. */
const secrets = new Set<string>();
/** The output of all runs. */
let printed = "";

beforeAll(async () => {
  lab = await labUp(labName, { hosts: ["upstream", "mirror", "maas"] });
  maas = new SuppliedMaas(lab);
  await maas.images.reset();
  await maas.maas.reset();
  for (const user of ["admin", "user1"]) remember(await maas.maas.apiKey(user));
  stack = await Stack.create();
  stack.configure(maas.site());
  succeeded(await up());
  expected = await maas.holds();
}, 180_000);

afterEach(async () => {
  await maas.maas.control({ slow: 0, badGatewayFor: 0, clockOffset: 0, diskFull: false });
  await maas.throttle(0);
});

afterAll(async () => {
  stack?.discard();
  maas?.discard();
  await labDown(labName);
}, 120_000);

/** The token's parts. The consumer's part is not secret. */
function remember(key: string): void {
  for (const part of key.split(":").slice(1)) secrets.add(part);
}

function start(): Running {
  return stack.start("up", "--yes", "--skip-preview");
}

async function up(running = start()): Promise<Run> {
  const run = await running.done;
  printed += run.output;
  return run;
}

/** Expects that an update failed and named the host and the remedy. */
function refused(run: Run, reason: RegExp): void {
  expect(run.code).not.toBe(0);
  expect(run.output).toMatch(reason);
  expect(run.output).toMatch(/\bmaas: /);
  expect(run.output).toMatch(/What to do: \S/);
}

/** Expects that an update succeeds and MAAS is as declared. */
async function converges(): Promise<void> {
  succeeded(await up());
  expect(await maas.holds()).toEqual(expected);
}

/** Another image to upload, and deleted sources, so that the update has much work. */
async function muchToDo(): Promise<void> {
  maas.change("golden");
  await maas.maas.reset();
}

test("a region host without MAAS is reported once by the preview", async () => {
  stack.configure(maas.site({ host: "mirror" }));
  const { code, output } = await stack.preview();
  stack.configure(maas.site());
  expect(code).not.toBe(0);
  expect(output).toMatch(
    /host mirror: reading the API key .*there is no `maas` command on this host\n.*maas\.host/,
  );
  expect(output.match(/Declare the region host/g)).toHaveLength(1);
  expect(output).not.toMatch(/ at .*\.ts:\d+/);
}, 60_000);

describe("a faulty MAAS", () => {
  test("slow: the update waits for it and succeeds", async () => {
    maas.change("golden");
    await maas.maas.control({ slow: 1 });
    await converges();
  }, 120_000);

  test("restarted during an import: MAAS is as declared after the next update", async () => {
    await muchToDo();
    await maas.throttle(200_000);
    const running = start();
    await saying(running, /\d+ of \d+ images are complete/);
    await maas.maas.restart();
    await maas.throttle(0);
    await up(running);
    await converges();
  }, 120_000);

  test("502 for a while: the reads of an update wait until it ends, and the update succeeds", async () => {
    maas.change("golden");
    await maas.maas.control({ badGatewayFor: 3 });
    await converges();
  }, 60_000);

  test("502 to a change: the update fails and reports it, and the next update succeeds", async () => {
    await muchToDo();
    await maas.maas.control({ slow: 1 });
    const running = start();
    await saying(running, /creating the boot source/);
    await maas.maas.control({ badGatewayFor: 2, slow: 0 });
    refused(await up(running), /502/);
    await converges();
  }, 60_000);

  test.each([600, -600])(
    "clock wrong by %i s: the update uses MAAS's time and succeeds",
    async (clockOffset) => {
      maas.change("golden");
      await maas.maas.control({ clockOffset });
      const run = succeeded(await up());
      if (clockOffset > 0) expect(run.output).toMatch(/MAAS's clock is 10 minutes ahead/);
      expect(await maas.holds()).toEqual(expected);
    },
    60_000,
  );

  test("disk full during an upload: the update fails and reports it, and the next update uploads all", async () => {
    maas.change("golden");
    await maas.maas.control({ diskFull: true });
    refused(await up(), /No space left on device/);
    await maas.maas.control({ diskFull: false });
    await converges();
  }, 60_000);

  test("disk full during an import: the update names the incomplete images, and the next one succeeds", async () => {
    await maas.maas.reset();
    await maas.maas.control({ diskFull: true });
    refused(await up(), /these images are not complete: .*ubuntu\/[\s\S]*free space for images there/);
    await maas.maas.control({ diskFull: false });
    await converges();
  }, 150_000);
});

describe("access to MAAS", () => {
  const foreign = [9, 9, 16].map((bytes) => "5a".repeat(bytes)).join(":");

  /** An update with such a key fails and does not change MAAS. */
  async function isRefused({ apiKey, ...region }: Values, reason: RegExp): Promise<void> {
    const before = await maas.holds();
    stack.configure(maas.site(region));
    if (apiKey) await declareSecretly("airgapped-maas:maas.region.apiKey", apiKey);
    try {
      refused(await up(), reason);
    } finally {
      stack.configure(maas.site());
    }
    expect(await maas.holds()).toEqual(before);
    printed += await stack.ok(["stack", "export", "--stack", stack.name]);
  }

  /** Sets the key as a person does: it is encrypted in the stack file. */
  async function declareSecretly(path: string, value: string): Promise<void> {
    const at = ["--stack", stack.name, "--config-file", stack.configFile];
    printed += await stack.ok(["config", "set", ...at, "--secret", "--path", path, value]);
  }

  test("is refused without a change with a key of another MAAS", async () => {
    for (const part of foreign.split(":").slice(1)) secrets.add(part);
    await isRefused({ apiKey: foreign }, /MAAS refuses the API key \(401\)/);
  }, 60_000);

  test("is refused without a change with the key of a user who is not an administrator", async () => {
    await isRefused({ user: "user1" }, /its user user1 is not an administrator/);
  }, 60_000);

  test("is refused without a change with a user that does not exist", async () => {
    await isRefused({ user: "nobody" }, /MAAS has no user nobody/);
  }, 60_000);

  test("is refused without a change with a revoked key", async () => {
    const apiKey = await maas.maas.apiKey("user1");
    await maas.maas.control({ revokeKeysOf: "user1" });
    await isRefused({ apiKey }, /MAAS refuses the API key \(401\)/);
  }, 60_000);

  test("leaves no secret of a key in the output or in the state", async () => {
    printed += await stack.ok(["stack", "export", "--stack", stack.name]);
    expect(printed).toMatch(/MaasBootSources/);
    // The text before the key, not the key itself.
    const leaks = [...secrets].flatMap((secret) => {
      const at = printed.indexOf(secret);
      return at < 0 ? [] : [printed.slice(Math.max(0, at - 200), at)];
    });
    expect(leaks).toEqual([]);
  }, 60_000);
});
