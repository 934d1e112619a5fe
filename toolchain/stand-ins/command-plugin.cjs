#!/usr/bin/env node
// Stand-in for the plugin of @pulumi/command 1.2.1, which is a binary that is not in a package registry. It has only
// `local.Command`, which works like the official one (provider/pkg/provider/local of pulumi/pulumi-command).
// It is used only if the official plugin is missing.
const { spawn } = require("node:child_process");
const { randomBytes } = require("node:crypto");
const { once } = require("node:events");
const { fstatSync, readdirSync } = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");
const { isDeepStrictEqual } = require("node:util");

const grpc = require("@grpc/grpc-js");
const { EngineClient } = require("@pulumi/pulumi/proto/engine_grpc_pb");
const { LogRequest, LogSeverity } = require("@pulumi/pulumi/proto/engine_pb");
const { PluginInfo } = require("@pulumi/pulumi/proto/plugin_pb");
const { ResourceProviderService } = require("@pulumi/pulumi/proto/provider_grpc_pb");
const provider = require("@pulumi/pulumi/proto/provider_pb");
const { Empty } = require("google-protobuf/google/protobuf/empty_pb");
const { Struct } = require("google-protobuf/google/protobuf/struct_pb");
const { matcher } = require("./glob.cjs");

const version = "1.2.1";
const served = "command:local:Command";
/** The inputs, with a check of each. All are optional. */
const inputs = {
  create: isText,
  update: isText,
  delete: isText,
  stdin: isText,
  dir: isText,
  logging: (value) => ["stdout", "stderr", "stdoutAndStderr", "none"].includes(value),
  environment: (value) => isObject(value) && Object.values(value).every(isText),
  interpreter: isTexts,
  triggers: Array.isArray,
  assetPaths: isTexts,
  archivePaths: isTexts,
  addPreviousOutputInEnv: (value) => typeof value === "boolean",
};

// The marks of secrets, assets, archives and unknown values in Pulumi's protocol (sdk/go/common/resource of
// pulumi/pulumi).
const signature = "4dabf18193072939515e22adb298388d";
const secret = "1b47061264138c4ac30d75fd1eb44270";
const asset = "c44067f5952c0a294b673a41bacd8c17";
const archive = "0def7320c3a5731c473e5ecbe6d01bc7";
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const plugin = {
  checkConfig: ({ request }) => checked(request.getNews()),
  diffConfig: () => new provider.DiffResponse(),

  configure() {
    const response = new provider.ConfigureResponse();
    response.setAcceptsecrets(true);
    return response;
  },

  check({ request }) {
    const type = request.getUrn().split("::")[2].split("$").at(-1);
    if (type !== served) throw notServed(type);
    const news = revealed(request.getNews().toJavaScript());
    const response = checked(request.getNews());
    for (const [property, value] of Object.entries(news)) {
      if (value === null || value === unknown || inputs[property]?.(value)) continue;
      // The reason names the property, because for a failure's `property` the engine prints the value, also
      // if it is secret.
      const failure = new provider.CheckFailure();
      failure.setReason(
        inputs[property] ? `${property} has a wrong type` : `${property} is not an input of local.Command`,
      );
      response.addFailures(failure);
    }
    return response;
  },

  diff({ request }) {
    const olds = revealed(request.getOlds().toJavaScript());
    const news = revealed(request.getNews().toJavaScript());
    const changed = Object.keys(inputs).filter((name) => !isDeepStrictEqual(olds[name], news[name]));
    const { DIFF_SOME, DIFF_NONE } = provider.DiffResponse.DiffChanges;
    const response = new provider.DiffResponse();
    response.setChanges(changed.length > 0 ? DIFF_SOME : DIFF_NONE);
    response.setDiffsList(changed);
    response.setReplacesList(changed.filter((name) => name === "triggers"));
    return response;
  },

  async create({ request }) {
    const news = request.getProperties().toJavaScript();
    const name = request.getUrn().split("::").at(-1);
    const response = new provider.CreateResponse();
    response.setId(`${name}${randomBytes(4).toString("hex")}`);
    response.setProperties(await outcome(request, revealed(news).create, news));
    return response;
  },

  async update({ request }) {
    const news = request.getNews().toJavaScript();
    const { create, update } = revealed(news);
    const response = new provider.UpdateResponse();
    response.setProperties(await outcome(request, update ?? create, news, request.getOlds().toJavaScript()));
    return response;
  },

  async delete({ request }) {
    const state = request.getProperties().toJavaScript();
    await outcome(request, revealed(state).delete, state, state);
    return new Empty();
  },

  read({ request }) {
    const response = new provider.ReadResponse();
    response.setId(request.getId());
    response.setProperties(request.getProperties());
    response.setInputs(request.getInputs());
    return response;
  },

  invoke({ request }) {
    throw notServed(request.getTok());
  },

  getPluginInfo() {
    const info = new PluginInfo();
    info.setVersion(version);
    return info;
  },

  cancel() {
    end();
    return new Empty();
  },
};

function notServed(what) {
  return new Error(
    `${what} is not supported by the stand-in for pulumi-resource-command. Install the official plugin: pulumi plugin install resource command ${version}`,
  );
}

function checked(news) {
  const response = new provider.CheckResponse();
  response.setInputs(news);
  return response;
}

/** Runs a command and returns the resource's new properties. Its output is secret if any input is. */
async function outcome(request, command, declared, previous = {}) {
  const before = revealed(previous);
  let printed = { stdout: before.stdout ?? "", stderr: before.stderr ?? "" };
  let found = {};
  if (command !== undefined && command !== null) {
    const plain = revealed(declared);
    printed = await run(request.getUrn(), command, plain, printed);
    found = filesFound(plain);
  }
  if (isSecret(declared)) printed = { stdout: hidden(printed.stdout), stderr: hidden(printed.stderr) };
  const kept = Object.fromEntries(Object.entries(declared).filter(([name]) => name in inputs));
  return Struct.fromJavaScript({ ...kept, ...printed, ...found });
}

const running = new Set();

/** Runs one command. Its outputs do not have the last newline. */
async function run(
  urn,
  command,
  { interpreter, dir, environment, stdin, logging, addPreviousOutputInEnv },
  previous,
) {
  const [shell, ...options] = interpreter?.length ? interpreter : ["/bin/sh", "-c"];
  const env = { ...process.env, ...environment };
  if (addPreviousOutputInEnv ?? true) {
    if (previous.stdout) env.PULUMI_COMMAND_STDOUT = previous.stdout;
    if (previous.stderr) env.PULUMI_COMMAND_STDERR = previous.stderr;
  }
  const child = spawn(shell, [...options, command], { cwd: dir ?? process.cwd(), env });
  running.add(child);
  const output = { stdout: [], stderr: [], both: [] };
  for (const stream of ["stdout", "stderr"]) {
    child[stream].on("data", (chunk) => {
      output[stream].push(chunk);
      output.both.push(chunk);
    });
    if (["stdoutAndStderr", stream].includes(logging ?? "stdoutAndStderr")) {
      readline.createInterface({ input: child[stream] }).on("line", (line) => log(urn, line));
    }
  }
  child.stdin.on("error", () => {}); // a command may end without reading its input
  child.stdin.end(stdin ?? "");
  const [code, signal] = await once(child, "close").finally(() => running.delete(child));
  const text = (chunks) => Buffer.concat(chunks).toString();
  if (code !== 0) {
    const how = signal ? `signal: ${signal}` : `exit status ${code}`;
    throw new Error(`${how}: running ${JSON.stringify(command)}:\n${text(output.both)}`);
  }
  return { stdout: text(output.stdout).replace(/\n$/, ""), stderr: text(output.stderr).replace(/\n$/, "") };
}

/**
 * The files that match the patterns, in Pulumi's format of assets. Later patterns take precedence; `!`
 * excludes files.
 */
function filesFound({ dir = process.cwd(), assetPaths, archivePaths }) {
  const matching = (patterns) => {
    const rules = patterns.map((pattern) => matcher(pattern));
    const files = readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
      .filter((file) => rules.findLast(({ matches }) => matches(file))?.includes);
    return Object.fromEntries(
      files.map((file) => [file, { [signature]: asset, path: path.join(dir, file) }]),
    );
  };
  return {
    ...(assetPaths && { assets: matching(assetPaths) }),
    ...(archivePaths && { archive: { [signature]: archive, assets: matching(archivePaths) } }),
  };
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isSecret = (value) =>
  typeof value === "object" &&
  value !== null &&
  (value[signature] === secret || Object.values(value).some(isSecret));
const hidden = (value) => ({ [signature]: secret, value });

function isText(value) {
  return typeof value === "string";
}

function isTexts(value) {
  return Array.isArray(value) && value.every(isText);
}

/** The same value with its secrets in clear text. */
function revealed(value) {
  if (Array.isArray(value)) return value.map(revealed);
  if (!isObject(value)) return value;
  if (value[signature] === secret) return revealed(value.value);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, revealed(inner)]));
}

const [engineAddress] = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
const engine = engineAddress && new EngineClient(engineAddress, grpc.credentials.createInsecure());

let told = Promise.resolve();

/**
 * Shows a line beside the resource in the CLI while the command runs. One line after the other, to keep the
 * order.
 */
function log(urn, message) {
  if (!engine) return;
  const request = new LogRequest();
  request.setSeverity(LogSeverity.INFO);
  request.setUrn(urn);
  request.setMessage(message);
  request.setEphemeral(true);
  // If the engine has ended, the line is dropped.
  told = told.then(() => new Promise((resolve) => engine.log(request, () => resolve())));
}

function end() {
  for (const child of running) child.kill("SIGTERM");
}

// The engine holds the other end of this pipe. If the engine is killed, the commands are ended too.
const input = fstatSync(0);
if (input.isFIFO() || input.isSocket()) {
  process.stdin.resume().on("end", () => {
    end();
    process.exit();
  });
}

/** The method for the gRPC server: it calls back with the answer, or with a gRPC error. */
function answering(method) {
  return async (call, answer) => {
    try {
      answer(null, await method(call));
    } catch (error) {
      answer({ code: grpc.status.UNKNOWN, details: error.message });
    }
  };
}

const server = new grpc.Server();
server.addService(
  ResourceProviderService,
  Object.fromEntries(Object.entries(plugin).map(([name, method]) => [name, answering(method)])),
);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(String(port));
});
