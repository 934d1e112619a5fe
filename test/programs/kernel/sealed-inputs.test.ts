import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Host } from "../../../hosts/host.ts";
import { fingerprint, isSealed, seal, sealsProbe, unseal } from "../../../resources/kernel/sealed-inputs.ts";

/** This machine's sh in place of a host's. */
const here: Pick<Host, "run"> = {
  async run(script, { input = "" } = {}) {
    const child = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
    // A script need not read its input.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
    if (code !== 0) throw new Error(`exit status ${code}`);
    return { code: 0, stdout, stderr: "" };
  },
};

let root: string;
beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), "seals-")), "lib");
});
afterEach(() => rmSync(join(root, ".."), { recursive: true }));

function seals(id = "a-1") {
  const probe = sealsProbe(id, root);
  return probe.parse(execFileSync("sh", ["-c", probe.script], { encoding: "utf8" }));
}

describe("a sealed input", () => {
  test("is known again, and no other value, name or resource is", async () => {
    await seal(here, "a-1", { password: "hunter2", "an odd=name\n": "x y" }, root);
    expect(isSealed(seals(), "password", "hunter2")).toBe(true);
    expect(isSealed(seals(), "an odd=name\n", "x y")).toBe(true);
    expect(isSealed(seals(), "password", "hunter3")).toBe(false);
    expect(isSealed(seals(), "other", "hunter2")).toBe(false);
    expect(isSealed(seals("a-2"), "password", "hunter2")).toBe(false);
  });

  test("is not known where nothing was sealed, nor under a name that every object has", async () => {
    expect(seals()).toEqual({ key: undefined, fingerprints: {} });
    expect(isSealed(seals(), "password", "hunter2")).toBe(false);
    await seal(here, "a-1", {}, root);
    expect(isSealed(seals(), "constructor", "hunter2")).toBe(false);
  });

  test("gives way to the next", async () => {
    await seal(here, "a-1", { password: "hunter2", old: "x" }, root);
    await seal(here, "a-1", { password: "hunter3" }, root);
    expect(Object.keys(seals().fingerprints)).toEqual(["password"]);
    expect(isSealed(seals(), "password", "hunter3")).toBe(true);
  });

  test("is forgotten without the others, and the key with the last", async () => {
    await seal(here, "a-1", { password: "hunter2" }, root);
    await seal(here, "a-2", { password: "hunter2" }, root);
    await unseal(here, "a-1", root);
    expect(seals().fingerprints).toEqual({});
    expect(isSealed(seals("a-2"), "password", "hunter2")).toBe(true);
    await unseal(here, "a-2", root);
    await unseal(here, "a-2", root);
    expect(existsSync(root)).toBe(false);
  });

  test("is kept for root alone, without the value, and leaves nothing else behind", async () => {
    await seal(here, "a-1", { password: "hunter2" }, root);
    expect(readdirSync(root, { recursive: true }).sort()).toEqual(["seal.key", "seals", "seals/a-1"]);
    expect(["seal.key", "seals", "seals/a-1"].map((file) => statSync(join(root, file)).mode & 0o777)).toEqual(
      [0o600, 0o700, 0o600],
    );
    expect(readFileSync(join(root, "seal.key"), "utf8")).toMatch(/^[0-9a-f]{64}$/);
    expect(readFileSync(join(root, "seals/a-1"), "utf8")).not.toContain("hunter2");
  });

  test("of several resources at once has one key", async () => {
    const ids = Array.from({ length: 8 }, (_, index) => `a-${index}`);
    await Promise.all(ids.map((id) => seal(here, id, { password: id }, root)));
    expect(ids.map((id) => isSealed(seals(id), "password", id))).toEqual(ids.map(() => true));
  });
});

test("a fingerprint depends on the key, the name and the value, as OpenSSL makes it", () => {
  const key = Buffer.from("Jefe").toString("hex");
  const all = [
    fingerprint(key, "a", "b"),
    fingerprint(key, "a", "c"),
    fingerprint(key, "c", "b"),
    fingerprint(`${key}00ff`, "a", "b"),
  ];
  expect(new Set(all).size).toBe(4);
  const reference = execFileSync("openssl", ["dgst", "-sha256", "-mac", "HMAC", "-macopt", `hexkey:${key}`], {
    input: "a\0b",
    encoding: "utf8",
  });
  expect(reference).toContain(String(all[0]));
});
