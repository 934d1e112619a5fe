import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { handOverTo, scratchDirectory } from "../published-tree/job-on-this-machine.ts";

const part = (name: string) =>
  readFileSync(new URL(`../../../../../resources/mirror/apt/${name}`, import.meta.url), "utf8");
const program = part("stanza.perl") + part("take-index.perl");
let root: string;
beforeEach(() => {
  root = scratchDirectory("take-index");
});
afterEach(() => rmSync(root, { recursive: true }));

test("long rows of blanks in stanzas do not slow down the reading of an index", () => {
  const blanks = " ".repeat(1_000_000);
  const sha256 = "a".repeat(64);
  const taken = (version: string) =>
    `Package: jq\nVersion: ${version}\nArchitecture: amd64\nFilename: pool/jq.deb${blanks}\nSize: 1\nSHA256: ${sha256}\n`;
  const index = [
    `Package: jq\nVersion: 0\nFilename: pool/jq.deb${blanks}b\n`,
    `Package: jq\nVersion: 0\nFilename:${blanks}\n`,
    `${taken("1.0")}Priority: a${blanks}b\n`,
  ].join("\n");
  const store = join(root, "store");
  const view = join(root, "view");
  const notes = join(root, "notes");
  for (const directory of [view, notes]) mkdirSync(directory);
  const line = (text: string, to: string) => `${handOverTo(store, text)}\t${text.length}\t-\t${to}\n`;
  const list = join(root, "list");
  writeFileSync(
    list,
    [
      line("Architectures: amd64\nComponents: main\n", "headers/noble"),
      line("jq\n", "selection/noble/main/amd64"),
      line(index, "index/noble/main/binary-amd64/Packages"),
      `${sha256}\t1\t-\tpackage/pool/jq.deb\n`,
    ].join(""),
  );
  // With exponential time it would not end in hours.
  execFileSync("perl", ["-e", program, list, "noble", store, view, notes], { timeout: 60_000 });
  expect(readFileSync(join(notes, "candidates"), "utf8")).toBe(
    `main/binary-amd64/Packages\tjq\t${sha256}\t1\tpool/main/j/jq/jq_1.0_amd64.deb\n`,
  );
});
