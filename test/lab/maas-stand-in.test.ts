import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { type LabMaas, maasOf } from "../../lab/maas-host.ts";

const name = "maas-stand-in";
const factory = "http://images.maas.io/ephemeral-v3/stable/";

let lab: Lab;
let maas: LabMaas;

beforeAll(async () => {
  lab = await labUp(name, { hosts: ["maas"] });
  maas = maasOf(lab);
  await maas.apiKey();
}, 600_000);

afterAll(() => labDown(name), 120_000);

async function ask(method: string, path: string, body?: URLSearchParams) {
  const [consumer, token, secret] = (await maas.apiKey()).split(":");
  const parameters = {
    oauth_version: "1.0",
    oauth_signature_method: "PLAINTEXT",
    oauth_consumer_key: consumer,
    oauth_token: token,
    oauth_signature: `%26${secret}`,
    oauth_nonce: crypto.randomUUID(),
    oauth_timestamp: Math.floor(Date.now() / 1000),
  };
  const pairs = Object.entries(parameters).map(([key, value]) => `${key}="${value}"`);
  const response = await fetch(`${maas.url}api/2.0/${path}`, {
    method,
    headers: { Authorization: `OAuth ${pairs.join(", ")}` },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, text: await response.text() };
}

// biome-ignore lint/suspicious/noExplicitAny: tests check the values that they read
async function read(path: string): Promise<any> {
  return JSON.parse((await ask("GET", path)).text);
}

async function setKernelOptions(value: string): Promise<void> {
  const form = new URLSearchParams({ name: "kernel_opts", value });
  expect(await ask("POST", "maas/?op=set_config", form)).toEqual({ status: 200, text: "OK" });
}

const kernelOptions = () => read("maas/?op=get_config&name=kernel_opts");

describe("the command maas over SSH", () => {
  test("prints the administrator's API key for root, and the API on port 5240 accepts it", async () => {
    const { code, stdout } = await lab.ssh("maas", "sudo maas apikey --username admin");

    expect({ code, key: stdout.trim() }).toEqual({ code: 0, key: await maas.apiKey() });
    expect(await read("users/?op=whoami")).toMatchObject({ username: "admin", is_superuser: true });
    const local = await lab.ssh("maas", "curl -s http://localhost:5240/MAAS/api/2.0/version/");
    expect(JSON.parse(local.stdout)).toMatchObject({ version: "3.6.5" });
  });

  test("refuses an unknown MAAS user, and refuses to run without root", async () => {
    expect(await lab.ssh("maas", "sudo maas apikey --username nobody")).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("User does not exist."),
    });
    expect(await lab.ssh("maas", "maas apikey --username admin")).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("root"),
    });
  });

  test("does not show the secret of a key in the list of processes", async () => {
    const [, , secret = ""] = (await maas.apiKey()).split(":");

    const { stdout } = await lab.sh("maas", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");

    expect(stdout).toContain("maas/main.ts");
    expect(stdout.includes(secret)).toBe(false);
  });
});

test("a new MAAS has the default boot source, whose host does not resolve, and its keyring", async () => {
  expect(await read("boot-sources/")).toMatchObject([{ id: 1, url: factory }]);
  const [{ keyring_filename: keyring }] = await read("boot-sources/");
  expect((await lab.sh("maas", `test -s ${keyring} && gpg --show-keys ${keyring}`)).stdout).toContain(
    "Lab Image",
  );
  expect((await lab.sh("maas", "getent hosts images.maas.io")).code).not.toBe(0);
});

test("MAAS keeps its state and its API keys over a reboot", async () => {
  const key = await maas.apiKey();
  await setKernelOptions("console=ttyS0");

  await lab.reboot("maas");

  expect(await maas.apiKey()).toBe(key);
  expect(await kernelOptions()).toBe("console=ttyS0");
});

test("setVersion changes the release of MAAS and keeps its state, reset deletes its state", async () => {
  await setKernelOptions("quiet");

  await maas.setVersion("3.7");
  expect(await read("version/")).toMatchObject({ version: "3.7.2" });
  expect(await kernelOptions()).toBe("quiet");

  await maas.reset("3.8");
  expect(await read("version/")).toMatchObject({ version: "3.8.0~beta6" });
  expect(await kernelOptions()).toBe(null);
  expect(await read("boot-sources/")).toMatchObject([{ name: "MAAS Stable" }]);
});

test("a fault that control sets lasts until MAAS is restarted", async () => {
  await maas.control({ clockOffset: 600 });
  expect((await ask("GET", "users/?op=whoami")).text).toContain("Expired timestamp");

  await maas.restart();
  expect((await ask("GET", "users/?op=whoami")).status).toBe(200);
});
