import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "@jest/globals";

const repository = join(import.meta.dirname, "../../..");
const folder = /path: (\S*)/.exec(readFileSync(join(repository, "Pulumi.yaml"), "utf8"))?.[1] ?? "";

/**
 * The provider as the engine starts it: by the folder that the project names, with a pipe of the engine as
 * standard input.
 */
function start() {
  return spawn(join(repository, folder, "pulumi-resource-pulumi-nodejs"), ["127.0.0.1:9"], {
    cwd: repository,
    env: { ...process.env, PATH: `${join(repository, "node_modules/.bin")}:${process.env.PATH}` },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

test("a provider ends by itself if its engine is killed before the first request", async () => {
  const provider = start();
  const [port] = await once(createInterface({ input: provider.stdout }), "line");
  expect(port).toMatch(/^\d+$/);
  expect(provider.exitCode).toBeNull();
  provider.stdin.destroy();
  expect(await once(provider, "exit")).toEqual([1, null]);
});

test("a provider ends by itself if its engine is killed while the provider starts", async () => {
  const provider = start();
  provider.stdin.destroy();
  provider.stdout.destroy();
  expect(await once(provider, "exit")).toEqual([1, null]);
});
