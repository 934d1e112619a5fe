/*
 * The engine holds the other end of standard input. When that closes, the engine has ended, even if it was killed
 * before it sent a request. Nothing else would end this process, and its environment contains the stack's passphrase.
 * Jobs on hosts continue.
 */
import { fstatSync } from "node:fs";

const input = fstatSync(0);
// A terminal or a file is not an engine.
if (input.isFIFO() || input.isSocket()) {
  process.stdin.once("end", () => process.exit(1)).resume();
  (process.stdin as Partial<import("node:net").Socket>).unref?.();
}
