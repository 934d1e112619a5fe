import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";

const tree = readFileSync(
  join(import.meta.dirname, "../../../../../resources/mirror/published-tree/tree.sh"),
  "utf8",
);
const functionText = /^sums_of\(\) \{\n[\s\S]*?\n\}/m.exec(tree)?.[0] ?? "";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sums-"));
  mkdirSync(join(folder, "work"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function sums(names: readonly string[], option = ""): string {
  const script = `WORK=${folder}/work\nnproc() { echo 8; }\n${functionText}\ncd ${folder} && sums_of ${option} --`;
  return execFileSync("sh", ["-euc", script], {
    input: names.map((name) => `${name}\0`).join(""),
    encoding: "utf8",
    stdio: "pipe",
  });
}

test("no line is lost or mixed with another if several processes hash at the same time", () => {
  // Long names, so that the output of one process is longer than the pipe's buffer.
  const names = Array.from({ length: 3000 }, (_, index) => `${"n".repeat(150)}-${index}`);
  for (const name of names) writeFileSync(join(folder, name), name);
  const wanted = names.map((name) => `${createHash("sha256").update(name).digest("hex")}  ${name}`).sort();
  expect(sums(names).trimEnd().split("\n").sort()).toEqual(wanted);
  expect(sums(names, "-z").split("\0").filter(Boolean).sort()).toEqual(wanted);
});

test("without files there are no lines", () => {
  expect(sums([])).toBe("");
});

test("a file that cannot be read is an error", () => {
  expect(() => sums(["there is none"])).toThrow(/there is none.*No such file/);
});
