import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { runs, StandInProcess, until } from "./stand-in-process.ts";

const require = createRequire(import.meta.url);
const { ResourceProviderClient } = require("@pulumi/pulumi/proto/provider_grpc_pb");
const messages = require("@pulumi/pulumi/proto/provider_pb");
const {
  specialAssetSig,
  specialArchiveSig,
  specialSecretSig,
  specialSigKey,
} = require("@pulumi/pulumi/runtime/rpc");
const { Struct } = require("google-protobuf/google/protobuf/struct_pb");

// biome-ignore lint/suspicious/noExplicitAny: properties are whatever a resource has
type Properties = Record<string, any>;

const urn = "urn:pulumi:dev::site::command:local:Command::ask";
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const secret = (value: unknown) => ({
  [specialSigKey]: specialSecretSig,
  value,
});

let directory: string;
let plugin: StandInProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "command-"));
  plugin = await StandInProcess.start("pulumi-resource-command", ResourceProviderClient, {
    A_VARIABLE_OF_THE_MACHINE: "inherited",
  });
});

afterAll(async () => {
  await plugin.close();
  await rm(directory, { recursive: true });
});

async function check(news: Properties, resource = urn) {
  const request = new messages.CheckRequest();
  request.setUrn(resource);
  request.setNews(Struct.fromJavaScript(news));
  const response = await plugin.call("check", request);
  return response.toObject().failuresList as { property: string; reason: string }[];
}

async function diff(olds: Properties, news: Properties) {
  const request = new messages.DiffRequest();
  request.setUrn(urn);
  request.setOlds(Struct.fromJavaScript(olds));
  request.setNews(Struct.fromJavaScript(news));
  const response = await plugin.call("diff", request);
  return { diffs: response.getDiffsList(), replaces: response.getReplacesList() };
}

async function create(inputs: Properties): Promise<{ id: string; properties: Properties }> {
  const request = new messages.CreateRequest();
  request.setUrn(urn);
  request.setProperties(Struct.fromJavaScript(inputs));
  const response = await plugin.call("create", request);
  return { id: response.getId(), properties: response.getProperties().toJavaScript() };
}

async function update(olds: Properties, news: Properties): Promise<Properties> {
  const request = new messages.UpdateRequest();
  request.setUrn(urn);
  request.setOlds(Struct.fromJavaScript(olds));
  request.setNews(Struct.fromJavaScript(news));
  return (await plugin.call("update", request)).getProperties().toJavaScript();
}

async function destroy(state: Properties): Promise<void> {
  const request = new messages.DeleteRequest();
  request.setUrn(urn);
  request.setProperties(Struct.fromJavaScript(state));
  await plugin.call("delete", request);
}

describe("the life cycle of a command", () => {
  test("create runs the command, and its outputs have what it printed, without the last newline", async () => {
    const { id, properties } = await create({ create: "echo one; echo two; echo but >&2" });
    expect(id).toMatch(/^ask[0-9a-f]{8}$/);
    expect(properties).toEqual({
      create: "echo one; echo two; echo but >&2",
      stdout: "one\ntwo",
      stderr: "but",
    });
  });

  test("update runs the command's update, or else its create, with the previous output as variables", async () => {
    const printPrevious = "echo was=$PULUMI_COMMAND_STDOUT,$PULUMI_COMMAND_STDERR";
    const { properties } = await create({ create: "echo first; echo warned >&2" });
    const updated = await update(properties, { create: "false", update: printPrevious });
    expect(updated).toMatchObject({ stdout: "was=first,warned" });
    expect(await update(updated, { create: printPrevious })).toMatchObject({
      stdout: "was=was=first,warned,",
    });
    expect(await update(updated, { create: printPrevious, addPreviousOutputInEnv: false })).toMatchObject({
      stdout: "was=,",
    });
  });

  test("update without a command keeps the previous output", async () => {
    const { properties } = await create({ create: "echo kept" });
    expect(await update(properties, { delete: "true" })).toMatchObject({ stdout: "kept" });
  });

  test("delete runs the command's delete, in its directory and environment", async () => {
    const inputs = { delete: 'echo "$WORD" > deleted', dir: directory, environment: { WORD: "gone" } };
    const { properties } = await create(inputs);
    await destroy(properties);
    expect(await readFile(join(directory, "deleted"), "utf8")).toBe("gone\n");
  });
});

describe("a command", () => {
  test("gets its own environment in addition to the machine's", async () => {
    const { properties } = await create({
      create: 'echo "$OWN $A_VARIABLE_OF_THE_MACHINE"',
      environment: { OWN: "a 'quoted' $value" },
    });
    expect(properties.stdout).toBe("a 'quoted' $value inherited");
  });

  test("gets its complete standard input, or an empty one if none is declared", async () => {
    const stdin = `${"ü".repeat(200_000)}\n`;
    expect((await create({ create: "wc -c", stdin })).properties.stdout.trim()).toBe("400001");
    expect((await create({ create: "wc -c" })).properties.stdout.trim()).toBe("0");
  });

  test("can leave its standard input unread", async () => {
    const { properties } = await create({ create: "echo done", stdin: "x".repeat(1_000_000) });
    expect(properties.stdout).toBe("done");
  });

  test("runs in its interpreter", async () => {
    const { properties } = await create({
      create: "console.log(6 * 7)",
      interpreter: [process.execPath, "-e"],
    });
    expect(properties.stdout).toBe("42");
  });
});

describe("a difference", () => {
  const inputs = { create: "true", triggers: ["a", 1], environment: { A: "1", B: "2" } };

  test("is not reported if only the order of keys is different", async () => {
    const state = { ...inputs, stdout: "", stderr: "" };
    const reordered = { environment: { B: "2", A: "1" }, triggers: ["a", 1], create: "true" };
    expect(await diff(state, reordered)).toEqual({ diffs: [], replaces: [] });
  });

  test("in triggers replaces the resource; any other difference updates it", async () => {
    expect(await diff(inputs, { ...inputs, triggers: ["b", 1] })).toEqual({
      diffs: ["triggers"],
      replaces: ["triggers"],
    });
    expect(await diff(inputs, { ...inputs, environment: { A: "1" } })).toEqual({
      diffs: ["environment"],
      replaces: [],
    });
  });

  test("in triggers that are not known yet replaces the resource", async () => {
    expect((await diff(inputs, { ...inputs, triggers: [unknown] })).replaces).toEqual(["triggers"]);
  });

  test("is not reported if a value only became a secret", async () => {
    expect((await diff(inputs, { ...inputs, create: secret("true") })).diffs).toEqual([]);
  });
});

describe("a command that fails", () => {
  test("is reported with its status, text and output, but not its environment and input", async () => {
    const failing = create({
      create: "echo out; echo err >&2; exit 7",
      environment: { TOKEN: "hunter2" },
      stdin: "hunter3",
    });
    await expect(failing).rejects.toThrow(
      'exit status 7: running "echo out; echo err >&2; exit 7":\nout\nerr\n',
    );
    const message = await failing.catch((error: Error) => error.message);
    expect(message).not.toMatch(/hunter|TOKEN/);
  });

  test("because it is killed is reported with the signal", async () => {
    await expect(create({ create: "kill -9 $$" })).rejects.toThrow("signal: SIGKILL: running");
  });

  test("on delete keeps the resource, so that it can be deleted again", async () => {
    const { properties } = await create({ create: "true", delete: "echo still needed >&2; exit 1" });
    await expect(destroy(properties)).rejects.toThrow("still needed");
  });

  test("because its interpreter does not exist is reported with the interpreter's path", async () => {
    await expect(create({ create: "x", interpreter: ["/nowhere/sh"] })).rejects.toThrow("/nowhere/sh");
  });
});

describe("secrets", () => {
  test("the output is secret if an input is secret, and the input stays secret", async () => {
    const environment = { TOKEN: secret("hunter2") };
    const { properties } = await create({ create: 'echo "$TOKEN"', environment });
    expect(properties).toEqual({
      create: 'echo "$TOKEN"',
      environment,
      stdout: secret("hunter2"),
      stderr: secret(""),
    });
    expect(await update(properties, { create: "echo $PULUMI_COMMAND_STDOUT" })).toMatchObject({
      stdout: "hunter2",
    });
  });
});

describe("files that a command makes", () => {
  test("are returned as assets and an archive by path patterns; later patterns take precedence", async () => {
    const { properties } = await create({
      create: "mkdir -p tree/a/b; touch tree/top.txt tree/a/in.txt tree/a/b/deep.txt tree/a/b/secret.txt",
      dir: directory,
      assetPaths: ["tree/*.txt"],
      archivePaths: ["tree/**.txt", "!**secret.*", "tree/{x,y}/*", "tree/a/b/[!d]eep.txt"],
    });
    const asset = (path: string) => ({
      [specialSigKey]: specialAssetSig,
      path: join(directory, path),
    });
    expect(properties.assets).toEqual({ "tree/top.txt": asset("tree/top.txt") });
    expect(properties.archive).toEqual({
      [specialSigKey]: specialArchiveSig,
      assets: {
        "tree/top.txt": asset("tree/top.txt"),
        "tree/a/in.txt": asset("tree/a/in.txt"),
        "tree/a/b/deep.txt": asset("tree/a/b/deep.txt"),
      },
    });
  });
});

describe("the output shown while a command runs", () => {
  test("has all lines in order", async () => {
    plugin.logged.length = 0;
    await create({ create: "seq 200" });
    await until(() => plugin.logged.length >= 200);
    expect(plugin.logged).toEqual(Array.from({ length: 200 }, (_, index) => `${index + 1}`));
  });

  test.each([
    [undefined, ["to out", "to err"]],
    ["stdout", ["to out"]],
    ["stderr", ["to err"]],
    ["none", []],
  ])("depends on logging: %s", async (logging, expected) => {
    plugin.logged.length = 0;
    await create({ create: "echo to out; echo to err >&2", ...(logging && { logging }) });
    // The engine gets the lines in order, so this one shows that there are no others.
    await create({ create: "echo end" });
    await until(() => plugin.logged.includes("end"));
    expect(plugin.logged.filter((line) => line !== "end").sort()).toEqual([...expected].sort());
  });
});

describe("the plugin", () => {
  test("refuses remote commands, and names the official plugin as the remedy", async () => {
    const failing = check({ create: "true" }, urn.replace("local:Command", "remote:Command"));
    await expect(failing).rejects.toThrow(
      "command:remote:Command is not supported by the stand-in for pulumi-resource-command. Install the official plugin: pulumi plugin install resource command 1.2.1",
    );
  });

  test("refuses functions", async () => {
    const request = new messages.InvokeRequest();
    request.setTok("command:local:run");
    await expect(plugin.call("invoke", request)).rejects.toThrow("command:local:run is not supported");
  });

  test("names unknown inputs and inputs of a wrong type, without their values", async () => {
    expect(await check({ create: "true", environment: { A: unknown }, triggers: unknown })).toEqual([]);
    const failures = await check({ creat: "true", stdin: secret(1), logging: "loud" });
    expect(failures).toEqual([
      { property: "", reason: "creat is not an input of local.Command" },
      { property: "", reason: "logging has a wrong type" },
      { property: "", reason: "stdin has a wrong type" },
    ]);
  });
});

describe("the end of the CLI", () => {
  test("a killed CLI leaves neither the plugin nor its command running", async () => {
    const other = await StandInProcess.start("pulumi-resource-command", ResourceProviderClient);
    const pidFile = join(directory, "pid");
    await writeFile(pidFile, "");
    const request = new messages.CreateRequest();
    request.setUrn(urn);
    request.setProperties(Struct.fromJavaScript({ create: `echo $$ > ${pidFile}; exec sleep 600` }));
    const interrupted = other.call("create", request).catch((error: Error) => error.message);
    const pid = await until(async () => Number(await readFile(pidFile, "utf8")));
    await other.abandon();
    await until(() => !runs(pid));
    expect(await interrupted).toBeTruthy();
    await other.close();
  });
});
