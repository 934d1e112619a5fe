import { createRequire } from "node:module";
import { expect, test } from "@jest/globals";
import { EngineLog } from "../../../resources/kernel/engine-log.ts";

const require = createRequire(import.meta.url);
const grpc = require("@grpc/grpc-js");
const { EngineService } = require("@pulumi/pulumi/proto/engine_grpc_pb");
const { Empty } = require("google-protobuf/google/protobuf/empty_pb");

test("a progress line from a host is shown with escaped control characters", async () => {
  const messages: string[] = [];
  const server = new grpc.Server();
  server.addService(EngineService, {
    // biome-ignore lint/suspicious/noExplicitAny: the generated code has no types of its own here
    log(call: any, done: any) {
      messages.push(call.request.getMessage());
      done(null, new Empty());
    },
  });
  const port = await new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error: Error, at: number) =>
      error ? reject(error) : resolve(at),
    ),
  );
  await new EngineLog(`127.0.0.1:${port}`).log("", "Setting up jq\u001b]0;owned\u0007\r ...");
  server.forceShutdown();
  expect(messages).toEqual(["Setting up jq\\u001b]0;owned\\u0007\\u000d ..."]);
});
