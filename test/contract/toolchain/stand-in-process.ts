import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const grpc = require("@grpc/grpc-js");
const { EngineService } = require("@pulumi/pulumi/proto/engine_grpc_pb");
const {
  GetRootResourceResponse,
  LogSeverity,
  SetRootResourceResponse,
} = require("@pulumi/pulumi/proto/engine_pb");
const { Empty } = require("google-protobuf/google/protobuf/empty_pb");

// biome-ignore lint/suspicious/noExplicitAny: messages and clients are generated without types
export type Message = any;

/** A gRPC server on a free port of this machine. */
export async function serve(service: unknown, methods: Record<string, (request: Message) => Message>) {
  const server = new grpc.Server();
  const handlers = Object.entries(methods).map(([name, method]) => [
    name,
    (call: Message, answer: Message) => answer(null, method(call.request)),
  ]);
  server.addService(service, Object.fromEntries(handlers));
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      "127.0.0.1:0",
      grpc.ServerCredentials.createInsecure(),
      (error: Error | null, bound: number) => (error ? reject(error) : resolve(bound)),
    ),
  );
  return { address: `127.0.0.1:${port}`, close: (): void => server.forceShutdown() };
}

/**
 * One of toolchain/stand-ins, run as by the CLI: with a pipe as input and an engine's address. It returns a
 * port.
 */
export class StandInProcess {
  readonly child: ChildProcess;
  /** The lines that the engine was asked to show. */
  readonly logged: string[];
  stdout = "";
  stderr = "";
  readonly engine: string;
  readonly #client: Message;
  readonly #closeEngine: () => void;

  private constructor(
    child: ChildProcess,
    engine: { address: string; close: () => void },
    logged: string[],
    client: Message,
  ) {
    this.child = child;
    this.engine = engine.address;
    this.#closeEngine = engine.close;
    this.logged = logged;
    this.#client = client;
  }

  static async start(
    name: "pulumi-language-nodejs" | "pulumi-resource-command",
    Client: Message,
    environment: Record<string, string> = {},
  ): Promise<StandInProcess> {
    const logged: string[] = [];
    const engine = await serve(EngineService, {
      log(request) {
        if (request.getSeverity() !== LogSeverity.DEBUG) logged.push(request.getMessage());
        return new Empty();
      },
      getRootResource: () => new GetRootResourceResponse(),
      setRootResource: () => new SetRootResourceResponse(),
    });
    const child = spawn(join(import.meta.dirname, "../../../toolchain/stand-ins", name), [engine.address], {
      env: { ...process.env, NODE_OPTIONS: "", ...environment },
    });
    const started = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).once("line", resolve);
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`${name} ended with ${code} before it named its port`)));
    });
    const client = new Client(`127.0.0.1:${started}`, grpc.credentials.createInsecure());
    const standIn = new StandInProcess(child, engine, logged, client);
    child.stdout.on("data", (chunk) => {
      standIn.stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      standIn.stderr += chunk;
    });
    return standIn;
  }

  call(method: string, request: Message): Promise<Message> {
    return new Promise((resolve, reject) =>
      this.#client[method](request, (error: Message, response: Message) =>
        error ? reject(new Error(error.details)) : resolve(response),
      ),
    );
  }

  /** Closes the process's pipes, as when the CLI is killed. */
  async abandon(): Promise<void> {
    const { child } = this;
    child.stdin?.end();
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }

  async close(): Promise<void> {
    this.#client.close();
    this.child.kill();
    await this.abandon();
    this.#closeEngine();
  }
}

/** Repeats a call until it returns a value other than false or undefined, and returns that. Jest's time limit ends it. */
export async function until<T>(ask: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Whether a process runs. A zombie does not. */
export function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
