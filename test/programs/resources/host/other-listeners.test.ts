import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

const undo = readFileSync(join(import.meta.dirname, "../../../../resources/host/ledger/undo.sh"), "utf8");
const functionText = /^others_at\(\) \{\n[\s\S]*?\n\}/m.exec(undo)?.[0] ?? "";

/** The reported listeners on a port of nginx.service, if ss(8) shows these processes. */
function others(...pids: number[]): string {
  const users = pids.map((pid) => `("nginx",pid=${pid},fd=6)`).join(",");
  const line = `LISTEN 0 511 0.0.0.0:8088 0.0.0.0:*${users && ` users:(${users})`}`;
  const script = `ss() { printf '%s\\n' '${line}'; }\n${functionText}\nothers_at 8088 nginx.service`;
  return execFileSync("sh", ["-euc", script], { encoding: "utf8" }).trim();
}

// Larger than any pid of Linux (pid_max is at most 4194304): a process that has ended in the meantime.
const ended = 99_999_999;

test("a process that has ended in the meantime is not another listener", () => {
  expect(others(ended)).toBe("");
});

test("a running process outside the service is named, also next to an ended process", () => {
  expect(others(process.pid)).toBe(`"nginx",pid=${process.pid}`);
  expect(others(ended, process.pid)).toContain('"nginx"');
});

test("a listener without a known process is named by its address", () => {
  expect(others()).toBe("0.0.0.0:8088");
});
