import * as pulumi from "@pulumi/pulumi";
import { Redaction } from "./redaction.ts";

/*
 * The SDK writes the engine's whole answer to each registration into its debug lines, secrets in clear ("RegisterResource
 * RPC finished ... resp:" in runtime/resource.js of 3.259), which `pulumi -v=3` and `--debug` print. The CLI takes out the
 * secrets of the stack's configuration; what the program made is for us to take out.
 */

const redaction = new Redaction();
let inPlace = false;

/** Takes the texts in a value, as soon as they are known, out of every debug line that the SDK writes from then on. */
export function keepOutOfDebugLines(secret: unknown): void {
  if (!inPlace) {
    inPlace = true;
    const { log } = pulumi;
    const write = log.debug;
    Object.assign(log, {
      debug: (line: string, ...more: unknown[]) =>
        (write as (...all: unknown[]) => Promise<void>)(redaction.text(line), ...more),
    });
  }
  pulumi.output(secret as pulumi.Input<object>).apply((value) => redaction.learnAll(value));
}
