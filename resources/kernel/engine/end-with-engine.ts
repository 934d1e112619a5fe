/*
 * The engine holds the other end of standard input: its end means that the engine is gone, even if it was killed before it
 * asked for anything. Nobody else ends this process then, and it has the stack's passphrase in its environment. Jobs
 * on hosts go on.
 */
import { fstatSync } from "node:fs";

const input = fstatSync(0);
// A terminal or a file is nobody's engine.
if (input.isFIFO() || input.isSocket()) {
  process.stdin.once("end", () => process.exit(1)).resume();
  (process.stdin as Partial<import("node:net").Socket>).unref?.();
}
