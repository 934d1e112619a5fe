import { createRequire } from "node:module";
import { printable } from "../../errors/explained-error.ts";

type Severity = "info" | "warning";

/**
 * Sends log lines for a resource to the engine. A dynamic provider has no logging API (pulumi/pulumi#6065), but the
 * engine's address is its first argument, and the engine accepts log messages from any client.
 */
export class EngineLog {
  #client: Promise<LogClient | undefined> | undefined;
  readonly #address: string | undefined;

  constructor(address: string | undefined) {
    this.#address = address;
  }

  /** Logs a temporary line (`ephemeral`: shown during the work) or a permanent one. Never fails. */
  async log(
    urn: string,
    message: string,
    { severity = "info" as Severity, ephemeral = false } = {},
  ): Promise<void> {
    this.#client ??= this.#connect();
    const client = await this.#client;
    await client?.(urn, printable(message), severity, ephemeral);
  }

  async #connect(): Promise<LogClient | undefined> {
    const address = this.#address;
    if (!address || !/^[\w.:[\]-]+:\d+$/.test(address)) return undefined;
    const require = createRequire(import.meta.url);
    const grpc = require("@grpc/grpc-js");
    const { EngineClient } = require("@pulumi/pulumi/proto/engine_grpc_pb");
    const { LogRequest, LogSeverity } = require("@pulumi/pulumi/proto/engine_pb");
    const engine = new EngineClient(address, grpc.credentials.createInsecure());
    return (urn, message, severity, ephemeral) =>
      new Promise((done) => {
        const request = new LogRequest();
        request.setSeverity(severity === "warning" ? LogSeverity.WARNING : LogSeverity.INFO);
        request.setUrn(urn);
        request.setMessage(message);
        request.setEphemeral(ephemeral);
        // A line that cannot be shown must not let the work fail.
        engine.log(request, { deadline: Date.now() + 5000 }, () => done());
      });
  }
}

type LogClient = (urn: string, message: string, severity: Severity, ephemeral: boolean) => Promise<void>;
