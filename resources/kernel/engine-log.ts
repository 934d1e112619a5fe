import { createRequire } from "node:module";
import { printable } from "../../errors/explained-error.ts";

type Severity = "info" | "warning";

/**
 * Tells the engine what goes on beside a resource. A dynamic provider has no logging of its own
 * (pulumi/pulumi#6065), but the engine's address is its first argument, and the engine takes log
 * messages from anyone.
 */
export class EngineLog {
  #client: Promise<LogClient | undefined> | undefined;
  readonly #address: string | undefined;

  constructor(address: string | undefined) {
    this.#address = address;
  }

  /** A passing line (`ephemeral`: shown while the work goes on) or one that stays. Never fails. */
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
        // A line that cannot be shown must not fail the work it tells of.
        engine.log(request, { deadline: Date.now() + 5000 }, () => done());
      });
  }
}

type LogClient = (urn: string, message: string, severity: Severity, ephemeral: boolean) => Promise<void>;
