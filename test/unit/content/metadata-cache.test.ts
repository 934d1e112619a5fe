import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "@jest/globals";
import { metadataCache } from "../../../content/metadata-cache.ts";

const directories: string[] = [];
let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cache-"));
  directories.push(directory);
});
afterAll(() => {
  for (const each of directories) rmSync(each, { recursive: true });
});

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

describe("the metadata cache", () => {
  test("keeps a text that comes in pieces as it keeps the whole", async () => {
    const cache = metadataCache(directory);
    const pieces = Array.from({ length: 40_000 }, (_, number) => `line ${number} ü\n`);
    const whole = pieces.join("");
    expect(await cache.put(pieces)).toBe(digest(whole));
    expect(String(await cache.get(digest(whole)))).toBe(whole);
    expect(await cache.put(whole)).toBe(digest(whole));
    expect(await cache.put([])).toBe(digest(""));
    expect(readdirSync(directory).sort()).toEqual([digest(whole), digest("")].sort());
  });

  test("keeps nothing of a text that breaks off", async () => {
    function* broken() {
      yield "a".repeat(300_000);
      throw new Error("it broke off");
    }
    await expect(metadataCache(directory).put(broken())).rejects.toThrow("it broke off");
    expect(readdirSync(directory)).toEqual([]);
  });

  test("takes a damaged file for one that is not there, and a damaged note too", async () => {
    const cache = metadataCache(directory);
    const sha256 = await cache.put("contents");
    await cache.remember("a subject", "a text");
    expect(await cache.recall("a subject")).toBe("a text");
    for (const name of readdirSync(directory)) writeFileSync(join(directory, name), "other contents");
    expect(await cache.get(sha256)).toBeUndefined();
    expect(await cache.recall("a subject")).toBeUndefined();
    expect(await cache.recall("another")).toBeUndefined();
  });
});
