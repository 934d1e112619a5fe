import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { scratchDirectory } from "../published-tree/job-on-this-machine.ts";

const pools = readFileSync(join(import.meta.dirname, "../../../../../resources/mirror/apt/pools.sh"), "utf8");

let root: string;
beforeEach(() => {
  root = scratchDirectory("remove-from");
});
afterEach(() => rmSync(root, { recursive: true }));

/**
 * Removes the files that a failed update has added to a mirror's pool, as its job does at the end, from
 * another directory.
 */
function takeBack(mirror: string): string {
  const elsewhere = join(root, "elsewhere");
  for (const directory of [elsewhere, join(root, "work")]) mkdirSync(directory);
  for (const place of [elsewhere, mirror]) {
    if (!existsSync(place)) continue;
    mkdirSync(join(place, "pool/main"), { recursive: true });
    writeFileSync(join(place, "pool/main/a.deb"), "a");
  }
  writeFileSync(join(root, "work/brought"), "pool/main/a.deb\0");
  execFileSync(
    "sh",
    [
      "-euc",
      `${pools}\ncd "$1" && ROOT=$2 WORK=$3 && take_back`,
      "sh",
      elsewhere,
      mirror,
      join(root, "work"),
    ],
    {
      stdio: "ignore",
    },
  );
  return join(elsewhere, "pool/main/a.deb");
}

test("the added files are removed, with the directories that become empty", () => {
  const mirror = join(root, "mirror");
  mkdirSync(mirror);
  const other = takeBack(mirror);
  expect(existsSync(join(mirror, "pool"))).toBe(false);
  expect(existsSync(mirror)).toBe(true);
  expect(existsSync(other)).toBe(true);
});

test("if the mirror's directory does not exist, an equal path elsewhere is not removed", () => {
  expect(existsSync(takeBack(join(root, "gone")))).toBe(true);
});
