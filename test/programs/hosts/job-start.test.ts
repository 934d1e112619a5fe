import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Host } from "../../../hosts/host.ts";
import { runJob } from "../../../hosts/jobs.ts";

/* The script that starts a job, run on this machine, with stand-ins for systemd's programs. */

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "job-start-"));
  mkdirSync(join(root, "bin"));
  program("systemctl", "exit 1");
});
afterEach(() => rmSync(root, { recursive: true }));

function program(name: string, script: string): void {
  writeFileSync(join(root, "bin", name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, "bin", name), 0o755);
}

/** The remaining files in the job's directory after the start of a job with a secret. */
async function started(): Promise<string[]> {
  const stop = new Error("started");
  const run: Host["run"] = async (script, options) => {
    spawnSync("sh", ["-s"], {
      input: script.replaceAll("/run/airgapped-maas/jobs", root).replace("\ncat >", "\nprintf list >"),
      env: { ...process.env, PATH: `${join(root, "bin")}:${process.env.PATH}` },
    });
    throw Object.assign(stop, { options });
  };
  const job = { name: "m", script: "true", input: Buffer.from("list"), secret: "hidden" };
  await expect(runJob({ name: "mirror", run } as Host, job)).rejects.toThrow("started");
  const [folder = ""] = readdirSync(join(root, "m")).filter((name) => name.startsWith("run-"));
  return readdirSync(join(root, "m", folder)).map(
    (name) => `${name}: ${readFileSync(join(root, "m", folder, name), "utf8")}`,
  );
}

test("a job that starts has its secret in its directory", async () => {
  program("systemd-run", "exit 0");
  expect(await started()).toEqual(expect.arrayContaining(["input: list", "secret: hidden"]));
});

test.each([
  ["cannot be started", "exit 1"],
  ["is interrupted during its start", "kill -HUP $PPID; exit 0"],
])("a job that %s leaves no secret in its directory", async (_, script) => {
  program("systemd-run", script);
  const left = await started();
  expect(left).toContain("input: list");
  expect(left.join("\n")).not.toContain("hidden");
});
