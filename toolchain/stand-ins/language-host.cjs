#!/usr/bin/env node
// Stand-in for Pulumi's Node.js language host, which is not available as a Go module or an npm package.
// It answers the CLI's requests while a program of this project runs. It is used only if the official one is missing.
// Shapes: proto/pulumi/language.proto of pulumi/pulumi; `run` as in its sdk/nodejs/cmd/pulumi-language-nodejs.
const { spawn } = require("node:child_process");
const { fstatSync } = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");

const grpc = require("@grpc/grpc-js");
const language = require("@pulumi/pulumi/proto/language_pb");
const { PluginInfo } = require("@pulumi/pulumi/proto/plugin_pb");
const { LanguageRuntimeService } = require("@pulumi/pulumi/proto/language_grpc_pb");
const { Empty } = require("google-protobuf/google/protobuf/empty_pb");

/** The exit status of a program that has reported its error already (cmd/run of the SDK). */
const alreadyReported = 32;

const engine = process.argv.slice(2).find((argument) => !argument.startsWith("-"));
const programs = new Set();

const host = {
  handshake: (_call, answer) => answer(null, new language.LanguageHandshakeResponse()),
  // The CLI finds the plugins on PATH and in PULUMI_HOME when it needs them. It must not fetch any in
  // advance.
  getRequiredPlugins: (_call, answer) => answer(null, new language.GetRequiredPluginsResponse()),
  getRequiredPackages: (_call, answer) => answer(null, new language.GetRequiredPackagesResponse()),

  getPluginInfo(_call, answer) {
    const info = new PluginInfo();
    info.setVersion(require("@pulumi/pulumi/package.json").version);
    answer(null, info);
  },

  about(_call, answer) {
    const about = new language.AboutResponse();
    about.setExecutable(process.execPath);
    about.setVersion(process.version);
    answer(null, about);
  },

  getProgramDependencies({ request }, answer) {
    const from = createRequire(path.join(request.getInfo().getRootDirectory(), "package.json"));
    const { dependencies = {} } = from("./package.json");
    const response = new language.GetProgramDependenciesResponse();
    response.setDependenciesList(
      Object.entries(dependencies).map(([name, version]) => {
        const dependency = new language.DependencyInfo();
        dependency.setName(name);
        dependency.setVersion(version);
        return dependency;
      }),
    );
    answer(null, response);
  },

  run({ request }, answer) {
    const program = spawn(process.execPath, programArguments(request), {
      cwd: request.getPwd(),
      env: {
        ...process.env,
        PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().toArray())),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
        PULUMI_NODEJS_TYPESCRIPT: "false",
      },
      // The CLI shows both outputs, except the line with the port.
      stdio: ["ignore", "inherit", "inherit"],
    });
    programs.add(program);
    program.on("error", (error) => answer(error));
    program.on("exit", (code, signal) => {
      programs.delete(program);
      const response = new language.RunResponse();
      if (code === alreadyReported) response.setBail(true);
      else if (code !== 0) {
        response.setError(`the program ended with ${signal ? `signal ${signal}` : `status ${code}`}`);
      }
      answer(null, response);
    });
  },

  cancel(_call, answer) {
    end();
    answer(null, new Empty());
  },
};

function programArguments(request) {
  const info = request.getInfo();
  const project = createRequire(path.join(info.getRootDirectory(), "package.json"));
  const { nodeargs = "" } = info.getOptions()?.toJavaScript() ?? {};
  return [
    ...nodeargs.split(/\s+/).filter(Boolean),
    project.resolve("@pulumi/pulumi/cmd/run"),
    ...["--monitor", request.getMonitorAddress()],
    ...["--engine", engine],
    ...["--project", request.getProject()],
    ...["--stack", request.getStack()],
    ...["--pwd", request.getPwd()],
    ...["--root-directory", info.getRootDirectory()],
    ...["--organization", request.getOrganization()],
    ...(request.getDryrun() ? ["--dry-run"] : []),
    ...["--parallel", String(request.getParallel())],
    path.join(info.getProgramDirectory(), info.getEntryPoint()),
    ...request.getArgsList(),
  ];
}

function end() {
  for (const program of programs) program.kill("SIGTERM");
}

// The CLI holds the other end of this pipe. If the CLI is killed, the programs are ended too.
const input = fstatSync(0);
if (input.isFIFO() || input.isSocket()) {
  process.stdin.resume().on("end", () => {
    end();
    process.exit();
  });
}

const server = new grpc.Server();
server.addService(LanguageRuntimeService, host);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(String(port));
});
