import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { repository } from "../../lab/paths.ts";
import { schemaComment } from "../../toolchain/docs/stack-schema.ts";
import { Stack } from "./stack.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.create();
});
afterAll(() => stack?.discard());

test("a stack file written by `pulumi config set` agrees with the schema, and keeps the schema comment", async () => {
  writeFileSync(stack.configFile, `${schemaComment}\n${readFileSync(stack.configFile, "utf8")}`);
  const set = (path: string, value: string, ...options: string[]) =>
    stack.ok([
      ...["config", "set", "--cwd", stack.folder, "--stack", stack.name, "--path", ...options],
      ...[`airgapped-maas:${path}`, value],
    ]);
  await set("aptMirrors.ubuntu.host", "mirror.dc1");
  await set("aptMirrors.ubuntu.upstream.url", "https://esm.ubuntu.com/infra/ubuntu");
  await set("aptMirrors.ubuntu.upstream.credentials.username", "bearer");
  await set("aptMirrors.ubuntu.upstream.credentials.password", "hidden", "--secret");
  await set("aptMirrors.ubuntu.suites[0]", "noble-infra-security");
  await set("aptMirrors.ubuntu.serve.port", "8080");
  await set("aptMirrors.ubuntu.deleteContent", "true");
  const text = readFileSync(stack.configFile, "utf8");
  expect(text.split("\n")[0]).toBe(schemaComment);
  expect(text).not.toContain("hidden");
  const schema = JSON.parse(readFileSync(join(repository, "stack.schema.json"), "utf8"));
  const validate = new Ajv({ allErrors: true, validateFormats: false }).compile(schema);
  validate(parse(text));
  expect(validate.errors).toBeNull();
  expect(parse(text).config["airgapped-maas:aptMirrors"].ubuntu).toMatchObject({
    upstream: { credentials: { password: { secure: expect.any(String) } } },
    serve: { port: 8080 },
    deleteContent: true,
  });
});
