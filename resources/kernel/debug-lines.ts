import * as pulumi from "@pulumi/pulumi";
import { Redaction } from "./redaction.ts";

/*
 * The SDK writes the engine's whole answer to each registration into its debug lines, with secrets in plain text
 * ("RegisterResource RPC finished ... resp:" in runtime/resource.js of 3.259). `pulumi -v=3` and `--debug` print these
 * lines. The CLI removes the secrets of the stack's configuration; secrets that the program creates are removed here.
 */

const redaction = new Redaction();
let inPlace = false;

/** Removes the texts in a value, as soon as they are known, from all later debug lines of the SDK. */
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
