import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type Message, runs, StandInProcess, serve, until } from "./stand-in-process.ts";

const require = createRequire(import.meta.url);
const { LanguageRuntimeClient } = require("@pulumi/pulumi/proto/language_grpc_pb");
const language = require("@pulumi/pulumi/proto/language_pb");
const { ResourceMonitorService } = require("@pulumi/pulumi/proto/resource_grpc_pb");
const resource = require("@pulumi/pulumi/proto/resource_pb");
const { Empty } = require("google-protobuf/google/protobuf/empty_pb");
const { Struct } = require("google-protobuf/google/protobuf/struct_pb");

/** A separate project, so that the program's imports are resolved there. */
let project: string;
let monitor: Awaited<ReturnType<typeof serve>>;
/** Type and name of the resources that the program registered. */
const registered: string[] = [];
/** The stack's outputs. */
let outputs: Message;
let host: StandInProcess;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "program-"));
  await symlink(join(import.meta.dirname, "../../../node_modules"), join(project, "node_modules"));
  await writeFile(
    join(project, "package.json"),
    '{ "type": "module", "dependencies": { "@pulumi/pulumi": "3.259.0" } }',
  );
  monitor = await serve(ResourceMonitorService, {
    supportsFeature: () => new resource.SupportsFeatureResponse(),
    signalAndWaitForShutdown: () => new Empty(),
    registerResource(request) {
      registered.push(`${request.getType()} ${request.getName()}`);
      const response = new resource.RegisterResourceResponse();
      response.setUrn(`urn:pulumi:dev::site::${request.getType()}::${request.getName()}`);
      response.setObject(request.getObject());
      return response;
    },
    registerResourceOutputs(request) {
      if (request.getUrn().includes("::pulumi:pulumi:Stack::")) outputs = request.getOutputs().toJavaScript();
      return new Empty();
    },
  });
  host = await StandInProcess.start("pulumi-language-nodejs", LanguageRuntimeClient);
});

afterAll(async () => {
  await host.close();
  monitor.close();
  await rm(project, { recursive: true });
});

beforeEach(() => {
  registered.length = 0;
  host.logged.length = 0;
  host.stdout = "";
  host.stderr = "";
});

let serial = 0;

/** Runs a program with the CLI's request. */
async function run(source: string, { dryRun = false, by = host, options = {} } = {}) {
  const entry = `program-${serial++}.ts`;
  await writeFile(join(project, entry), source);
  const info = new language.ProgramInfo();
  info.setRootDirectory(project);
  info.setProgramDirectory(project);
  info.setEntryPoint(entry);
  info.setOptions(Struct.fromJavaScript(options));
  const request = new language.RunRequest();
  request.setProject("site");
  request.setStack("dev");
  request.setOrganization("organization");
  request.setPwd(project);
  request.setInfo(info);
  request.setMonitorAddress(monitor.address);
  request.setParallel(4);
  request.setDryrun(dryRun);
  request.getConfigMap().set("site:town", "Ålesund").set("site:token", "hunter2");
  request.setConfigsecretkeysList(["site:token"]);
  const { error, bail } = (await by.call("run", request)).toObject();
  return { error, bail };
}

describe("a program", () => {
  test("runs as TypeScript, registers its resources and returns its outputs", async () => {
    const ran = await run(`
      import { ComponentResource } from "@pulumi/pulumi";
      new ComponentResource("site:index:Thing", "one" satisfies string);
      export const answer: number = 42;`);
    expect(ran).toEqual({ error: "", bail: false });
    expect(registered).toEqual(["pulumi:pulumi:Stack site-dev", "site:index:Thing one"]);
    expect(outputs).toEqual({ answer: 42 });
  });

  test("gets the project's arguments for Node", async () => {
    const options = { nodeargs: " --max-semi-space-size=4  --title=planner" };
    await run("export const given = process.execArgv;", { options });
    expect(outputs.given).toEqual(["--max-semi-space-size=4", "--title=planner"]);
  });

  test("knows its project, stack, directory and configuration, and which values are secret", async () => {
    await run(
      `import * as pulumi from "@pulumi/pulumi";
      const config = new pulumi.Config();
      export const seen = [pulumi.getProject(), pulumi.getStack(), pulumi.getOrganization(), pulumi.runtime.isDryRun(),
        process.cwd(), config.require("town"), await pulumi.isSecret(config.requireSecret("token"))];
      if (pulumi.runtime.allConfig()["site:token"] !== "hunter2") throw new Error("no token");
      if (process.env.PULUMI_CONFIG_SECRET_KEYS !== '["site:token"]') throw new Error("not told which are secret");`,
      { dryRun: true },
    );
    expect(host.logged).toEqual([]);
    expect(outputs.seen).toEqual(["site", "dev", "organization", true, project, "Ålesund", true]);
  });

  test("writes its output and errors where the CLI reads them", async () => {
    await run('console.log("to out"); console.error("to err");');
    await until(() => host.stdout.includes("to out") && host.stderr.includes("to err"));
    expect(host.stdout).toBe("to out\n");
    expect(host.stderr).toBe("to err\n");
  });

  test("can run at the same time as another one", async () => {
    const program = "await new Promise((done) => setTimeout(done, 50)); export const x = 1;";
    expect(await Promise.all([run(program), run(program)])).toEqual([
      { error: "", bail: false },
      { error: "", bail: false },
    ]);
  });
});

describe("a program that fails", () => {
  test("with an error: the error is shown once, and the CLI adds nothing", async () => {
    expect(await run('throw new Error("no such town");')).toEqual({ error: "", bail: true });
    expect(host.logged).toHaveLength(1);
    expect(host.logged[0]).toContain("no such town");
  });

  test("with a message for its user: it is shown without a stack trace", async () => {
    expect(
      await run('import { RunError } from "@pulumi/pulumi"; throw new RunError("name a town");'),
    ).toEqual({ error: "", bail: true });
    expect(host.logged.map((line) => line.trim())).toEqual(["name a town"]);
  });

  test("because Node cannot run its TypeScript: the error is shown", async () => {
    expect(await run("enum Towns { Oslo }")).toEqual({ error: "", bail: true });
    expect(host.logged.join()).toMatch(/enum/);
  });

  test("by exiting without a message: the status is named", async () => {
    expect(await run("process.exit(3);")).toEqual({ error: "the program ended with status 3", bail: false });
  });

  test("by being killed: the signal is named", async () => {
    expect(await run('process.kill(process.pid, "SIGKILL");')).toEqual({
      error: "the program ended with signal SIGKILL",
      bail: false,
    });
  });
});

const endless =
  'console.log("pid " + process.pid); setInterval(() => {}, 1000); await new Promise(() => {});';
const printedPid = (by: StandInProcess) => until(() => Number(/^pid (\d+)$/m.exec(by.stdout)?.[1]));

describe("ending early", () => {
  test("a cancelled program ends", async () => {
    const running = run(endless);
    const pid = await printedPid(host);
    await host.call("cancel", new Empty());
    expect(await running).toEqual({ error: "the program ended with signal SIGTERM", bail: false });
    expect(runs(pid)).toBe(false);
  });

  test("a killed CLI leaves neither the host nor its program running", async () => {
    const other = await StandInProcess.start("pulumi-language-nodejs", LanguageRuntimeClient);
    const running = run(endless, { by: other }).catch((error: Error) => error);
    const pid = await printedPid(other);
    await other.abandon();
    await until(() => !runs(pid));
    await running;
    await other.close();
    expect(other.child.exitCode).toBe(0);
  });
});

describe("the language host", () => {
  test("has the version of the SDK", async () => {
    const info = await host.call("getPluginInfo", new Empty());
    expect(info.getVersion()).toBe(require("@pulumi/pulumi/package.json").version);
  });

  test("reports to `pulumi about` the Node that runs programs, and the project's dependencies", async () => {
    const about = await host.call("about", new language.AboutRequest());
    expect(about.getExecutable()).toMatch(/node$/);
    expect(about.getVersion()).toBe(process.version);
    const info = new language.ProgramInfo();
    info.setRootDirectory(project);
    const request = new language.GetProgramDependenciesRequest();
    request.setInfo(info);
    const dependencies = await host.call("getProgramDependencies", request);
    expect(dependencies.toObject().dependenciesList).toEqual([
      { name: "@pulumi/pulumi", version: "3.259.0" },
    ]);
  });

  test("requires no plugin in advance", async () => {
    const answer = await host.call("getRequiredPackages", new language.GetRequiredPackagesRequest());
    expect(answer.getPackagesList()).toEqual([]);
  });
});
