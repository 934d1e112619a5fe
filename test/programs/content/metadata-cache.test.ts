import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { digestOf } from "../../../values/digest.ts";

const module = join(import.meta.dirname, "../../../content/metadata-cache.ts");

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cache-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A process that prunes the cache when its standard input ends, and prints the result of `prune`. */
async function pruner() {
  const program = `
    const { metadataCache } = await import(${JSON.stringify(module)});
    const cache = metadataCache(${JSON.stringify(directory)});
    console.error("ready");
    for await (const _ of process.stdin);
    console.log(await cache.prune());`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "pipe" });
  await once(child.stderr, "data");
  return {
    prune: async () => {
      const output = text(child.stdout);
      child.stdin.end();
      return Number(await output);
    },
  };
}

test("of two processes that prune the cache at the same time, only one deletes files, and used files stay", async () => {
  const names = Array.from({ length: 400 }, (_, number) => digestOf(String(number)));
  const [unused, used] = [names.slice(0, 300), names.slice(300)];
  for (const name of names) writeFileSync(join(directory, name), "");
  for (const name of unused) utimesSync(join(directory, name), 0, 0);
  const both = await Promise.all([pruner(), pruner()]);
  const counts = await Promise.all(both.map(({ prune }) => prune()));
  expect(counts.sort()).toEqual([0, 300]);
  expect(
    readdirSync(directory)
      .filter((name) => !name.startsWith("pruned-"))
      .sort(),
  ).toEqual(used.sort());
});
