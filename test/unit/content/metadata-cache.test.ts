import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "@jest/globals";
import { metadataCache } from "../../../content/metadata-cache.ts";
import { ExplainedError } from "../../../errors/explained-error.ts";

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
  test("stores a text that comes in pieces under the digest of the whole text", async () => {
    const cache = metadataCache(directory);
    const pieces = Array.from({ length: 40_000 }, (_, number) => `line ${number} ü\n`);
    const whole = pieces.join("");
    expect(await cache.put(pieces)).toBe(digest(whole));
    expect(String(await cache.get(digest(whole)))).toBe(whole);
    expect(await cache.put(whole)).toBe(digest(whole));
    expect(await cache.put([])).toBe(digest(""));
    expect(readdirSync(directory).sort()).toEqual([digest(whole), digest("")].sort());
  });

  test("stores nothing if the source of a text fails before its end", async () => {
    function* broken() {
      yield "a".repeat(300_000);
      throw new Error("it broke off");
    }
    await expect(metadataCache(directory).put(broken())).rejects.toThrow("it broke off");
    expect(readdirSync(directory)).toEqual([]);
  });

  test("treats a damaged file and a damaged note as missing", async () => {
    const cache = metadataCache(directory);
    const sha256 = await cache.put("contents");
    await cache.remember("a key", "a text");
    expect(await cache.recall("a key")).toBe("a text");
    for (const name of readdirSync(directory)) writeFileSync(join(directory, name), "other contents");
    expect(await cache.get(sha256)).toBeUndefined();
    expect(await cache.recall("a key")).toBeUndefined();
    expect(await cache.recall("another")).toBeUndefined();
  });

  test("names its directory and what to do if it cannot be written", async () => {
    writeFileSync(join(directory, "file"), "");
    const cache = metadataCache(join(directory, "file/cache"));
    for (const stored of [cache.put("a text"), cache.remember("a key", "a text")]) {
      const error = await stored.catch((thrown) => thrown);
      expect(error).toBeInstanceOf(ExplainedError);
      expect(error.message).toContain(`${directory}/file/cache cannot be written (ENOTDIR)`);
      expect(error.message).toContain("Set XDG_CACHE_HOME");
    }
  });
});

describe("pruning the metadata cache", () => {
  const dayMs = 86_400_000;
  const now = new Date();
  const tomorrow = new Date(now.getTime() + dayMs);
  const unused = (name: string, days: number) => {
    const time = new Date(now.getTime() - days * dayMs);
    utimesSync(join(directory, name), time, time);
  };
  const stamp = (day: Date) => `pruned-${day.toISOString().slice(0, 10)}`;

  /** A text, a note and the remains of a killed process, with this number of days since their last use. */
  async function filled(days: number): Promise<string[]> {
    const before = readdirSync(directory);
    const cache = metadataCache(directory);
    await cache.put(`text ${days}`);
    await cache.remember(`key ${days}`, "found");
    writeFileSync(join(directory, `draft-1-${days}`), "half");
    const names = readdirSync(directory).filter((name) => !before.includes(name));
    for (const name of names) unused(name, days);
    return names;
  }

  /** Runs a function as a user without root's privileges: root becomes the user nobody for that time. */
  async function withoutRights<T>(work: () => Promise<T>): Promise<T> {
    if (process.geteuid?.() !== 0) return work();
    const nobody = 65_534;
    chownSync(directory, nobody, nobody);
    process.seteuid?.(nobody);
    try {
      return await work();
    } finally {
      process.seteuid?.(0);
    }
  }

  test("removes files that were not used for 90 days, and keeps files that were used since", async () => {
    await filled(91);
    const kept = await filled(89);
    expect(await metadataCache(directory).prune(now)).toBe(3);
    expect(readdirSync(directory).sort()).toEqual([...kept, stamp(now)].sort());
  });

  test("keeps an old text and an old note that were read today", async () => {
    await filled(200);
    const cache = metadataCache(directory);
    expect(String(await cache.get(digest("text 200")))).toBe("text 200");
    expect(await cache.recall("key 200")).toBe("found");
    expect(await cache.prune(now)).toBe(1);
    expect(String(await cache.get(digest("text 200")))).toBe("text 200");
    expect(await cache.recall("key 200")).toBe("found");
  });

  test("is done only once a day", async () => {
    const cache = metadataCache(directory);
    await cache.put("anything");
    await cache.prune(now);
    await filled(91);
    expect(await cache.prune(now)).toBe(0);
    expect(await metadataCache(directory).prune(now)).toBe(0);
    expect(await cache.prune(tomorrow)).toBe(3);
    expect(readdirSync(directory).sort()).toEqual([digest("anything"), stamp(tomorrow)].sort());
  });

  test("is done by only one of several simultaneous calls", async () => {
    await filled(91);
    const counts = await Promise.all(Array.from({ length: 8 }, () => metadataCache(directory).prune(now)));
    expect(counts.sort()).toEqual([0, 0, 0, 0, 0, 0, 0, 3]);
  });

  test("keeps files and directories that do not belong to the cache", async () => {
    mkdirSync(join(directory, digest("a directory")));
    const others = ["notes.txt", "README", digest("a directory")];
    for (const name of others.slice(0, 2)) writeFileSync(join(directory, name), "mine");
    for (const name of others) unused(name, 400);
    expect(await metadataCache(directory).prune(now)).toBe(0);
    expect(readdirSync(directory)).toEqual(expect.arrayContaining(others));
  });

  test.each([
    ["read", 0o300],
    ["written to", 0o500],
    ["entered", 0o000],
  ])("removes nothing, and does not fail, if the directory cannot be %s", async (_, mode) => {
    const names = await filled(91);
    chmodSync(directory, mode);
    expect(await withoutRights(() => metadataCache(directory).prune(now))).toBe(0);
    chmodSync(directory, 0o700);
    expect(readdirSync(directory)).toEqual(expect.arrayContaining(names));
  });

  test("does nothing if the cache directory does not exist or is a file", async () => {
    expect(await metadataCache(join(directory, "none")).prune(now)).toBe(0);
    writeFileSync(join(directory, "file"), "");
    expect(await metadataCache(join(directory, "file")).prune(now)).toBe(0);
    expect(readdirSync(directory)).toEqual(["file"]);
  });
});
