import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const grpc = require("@grpc/grpc-js");
const { ResourceProviderClient } = require("@pulumi/pulumi/proto/provider_grpc_pb");
const messages = require("@pulumi/pulumi/proto/provider_pb");
const { EngineService } = require("@pulumi/pulumi/proto/engine_grpc_pb");
const { LogSeverity } = require("@pulumi/pulumi/proto/engine_pb");
const { Status } = require("@pulumi/pulumi/proto/status_pb");
const { Empty } = require("google-protobuf/google/protobuf/empty_pb");
const { Struct } = require("google-protobuf/google/protobuf/struct_pb");

const checkout = join(import.meta.dirname, "../..");
/** In the folder that Pulumi.yaml names. */
const script = "resources/kernel/engine/pulumi-resource-pulumi-nodejs";

// biome-ignore lint/suspicious/noExplicitAny: properties are whatever a resource has
export type Properties = Record<string, any>;

interface LogLine {
  readonly severity: "info" | "warning";
  readonly urn: string;
  readonly message: string;
  readonly ephemeral: boolean;
}

/** A failed call, with the content of `grpc-status-details-bin` if the work was done partly. */
export class CallFailed extends Error {
  readonly partial: { id: string; properties: Properties; reasons: string[] } | undefined;
  /** All data that was sent with the error, decoded where it is text. */
  readonly wire: string;

  // biome-ignore lint/suspicious/noExplicitAny: gRPC's error
  constructor(error: any) {
    super(error.details);
    const [bytes] = error.metadata.get("grpc-status-details-bin");
    this.wire = `${error.message}\n${error.details}\n${JSON.stringify(error.metadata.toJSON())}`;
    if (!bytes) return;
    const status = Status.deserializeBinary(new Uint8Array(bytes));
    this.wire += `\n${status.getMessage()}`;
    const failed = messages.ErrorResourceInitFailed.deserializeBinary(
      status.getDetailsList()[0].getValue_asU8(),
    );
    this.wire += `\n${failed.getReasonsList().join("\n")}`;
    this.partial = {
      id: failed.getId(),
      properties: failed.getProperties().toJavaScript(),
      reasons: failed.getReasonsList(),
    };
  }
}

/**
 * The real dynamic provider process, started as the engine does, with an engine that records the calls it gets.
 */
export class ProviderProcess {
  readonly child: ChildProcess;
  readonly logs: LogLine[];
  stderr = "";
  // biome-ignore lint/suspicious/noExplicitAny: generated without types
  readonly #client: any;
  // biome-ignore lint/suspicious/noExplicitAny: generated without types
  readonly #engine: any;

  // biome-ignore lint/suspicious/noExplicitAny: generated without types
  private constructor(child: ChildProcess, port: string, engine: any, logs: LogLine[]) {
    this.child = child;
    this.logs = logs;
    this.#engine = engine;
    this.#client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    child.stderr?.on("data", (chunk) => {
      this.stderr += chunk;
    });
  }

  /**
   * @param project the directory with the Pulumi project, from which the provider's text is resolved.
   * @param release whose script starts the process.
   */
  static async start(project: string, release = checkout): Promise<ProviderProcess> {
    const logs: LogLine[] = [];
    const engine = new grpc.Server();
    engine.addService(EngineService, {
      // biome-ignore lint/suspicious/noExplicitAny: generated without types
      log(call: any, done: any) {
        const severity = call.request.getSeverity() === LogSeverity.WARNING ? "warning" : "info";
        const { urn, message, ephemeral } = call.request.toObject();
        // An engine that answers slowly: its messages must still arrive before the provider's answer.
        setTimeout(() => {
          logs.push({ severity, urn, message, ephemeral });
          done(undefined, new Empty());
        }, 30);
      },
      // biome-ignore lint/suspicious/noExplicitAny: never asked by a dynamic provider
      getRootResource: (_: any, done: any) => done(new Error("not served")),
      // biome-ignore lint/suspicious/noExplicitAny: never asked by a dynamic provider
      setRootResource: (_: any, done: any) => done(new Error("not served")),
    });
    const enginePort = await new Promise<number>((resolve, reject) =>
      engine.bindAsync(
        "127.0.0.1:0",
        grpc.ServerCredentials.createInsecure(),
        (error: Error, port: number) => (error ? reject(error) : resolve(port)),
      ),
    );
    const child = spawn(join(release, script), [`127.0.0.1:${enginePort}`], {
      cwd: project,
      env: {
        ...process.env,
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        NODE_OPTIONS: "",
        PULUMI_NODEJS_PROJECT: "airgapped-maas",
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
    const [port] = (await once(lines, "line")) as [string];
    return new ProviderProcess(child, port, engine, logs);
  }

  /** @param config the stack's configuration with full keys: `{"airgapped-maas:sshConfig": "/..."}`. */
  async configure(config: Record<string, string> = {}): Promise<void> {
    const request = new messages.ConfigureRequest();
    request.setArgs(Struct.fromJavaScript(config));
    await this.#call("configure", request);
  }

  async check(news: Properties, olds: Properties = {}) {
    const request = new messages.CheckRequest();
    request.setNews(Struct.fromJavaScript(news));
    request.setOlds(Struct.fromJavaScript(olds));
    const response = await this.#call("check", request);
    return {
      inputs: response.getInputs().toJavaScript() as Properties,
      failures: response.toObject().failuresList as { property: string; reason: string }[],
    };
  }

  async diff(id: string, olds: Properties, news: Properties) {
    const request = new messages.DiffRequest();
    request.setId(id);
    request.setOlds(Struct.fromJavaScript(olds));
    request.setNews(Struct.fromJavaScript(news));
    const { changes, replacesList, deletebeforereplace } = (await this.#call("diff", request)).toObject();
    const names = ["unknown", "none", "some"] as const;
    return {
      changes: names[changes as 0 | 1 | 2],
      replaces: replacesList as string[],
      deleteBeforeReplace: deletebeforereplace as boolean,
    };
  }

  async create(inputs: Properties) {
    const request = new messages.CreateRequest();
    request.setProperties(Struct.fromJavaScript(inputs));
    const response = await this.#call("create", request);
    return {
      id: response.getId() as string,
      properties: response.getProperties().toJavaScript() as Properties,
    };
  }

  async read(id: string, stored: Properties) {
    const request = new messages.ReadRequest();
    request.setId(id);
    request.setProperties(Struct.fromJavaScript(stored));
    const response = await this.#call("read", request);
    return {
      id: response.getId() as string,
      properties: response.getProperties()?.toJavaScript() as Properties,
      inputs: response.getInputs()?.toJavaScript() as Properties,
    };
  }

  async update(id: string, olds: Properties, news: Properties): Promise<Properties> {
    const request = new messages.UpdateRequest();
    request.setId(id);
    request.setOlds(Struct.fromJavaScript(olds));
    request.setNews(Struct.fromJavaScript(news));
    return (await this.#call("update", request)).getProperties().toJavaScript();
  }

  async delete(id: string, stored: Properties): Promise<void> {
    const request = new messages.DeleteRequest();
    request.setId(id);
    request.setProperties(Struct.fromJavaScript(stored));
    await this.#call("delete", request);
  }

  async cancel(): Promise<void> {
    await this.#call("cancel", new Empty());
  }

  /** Resolves with the way in which the process ended. */
  async ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const { child } = this;
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return { code: child.exitCode, signal: child.signalCode };
  }

  /** Ends the process as the engine does. */
  async close(): Promise<void> {
    this.child.kill("SIGINT");
    await this.ended();
    this.#client.close();
    this.#engine.forceShutdown();
  }

  // biome-ignore lint/suspicious/noExplicitAny: generated without types
  #call(method: string, request: unknown): Promise<any> {
    return new Promise((resolve, reject) =>
      this.#client[method](request, (error: Error | null, response: unknown) =>
        error ? reject(new CallFailed(error)) : resolve(response),
      ),
    );
  }
}
