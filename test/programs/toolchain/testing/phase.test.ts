import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { runWithin } from "../../../../toolchain/testing/phase.ts";

test("the result of a phase is its exit code, or the signal that ended it", async () => {
  expect(await runWithin(20, ["sh", "-c", "exit 3"])).toBe(3);
  expect(await runWithin(20, ["sh", "-c", "kill -KILL $$"])).toBe("SIGKILL");
});

test("a phase that takes too long is cut off, with all processes that it started", async () => {
  const folder = mkdtempSync(join(tmpdir(), "airgapped-maas-test-"));
  const file = join(folder, "pid");
  try {
    expect(await runWithin(1, ["sh", "-c", `sleep 4711 & echo $! >${file}; wait`])).toBe("cut off");
    const child = Number(readFileSync(file, "utf8"));
    const deadline = Date.now() + 5_000;
    while (runs(child) && Date.now() < deadline) await new Promise(setImmediate);
    expect(runs(child)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** A zombie is not a running process. */
function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
