import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { digestOf } from "../../../../../values/digest.ts";
import { scratchDirectory } from "./job-on-this-machine.ts";

const directory = join(import.meta.dirname, "../../../../../resources/mirror/published-tree");
const program = ["in-tree.perl", "why-not.perl", "check-batch.perl"]
  .map((name) => readFileSync(join(directory, name), "utf8"))
  .join("\n");

let root: string;
beforeEach(() => {
  root = scratchDirectory("check-batch");
  mkdirSync(join(root, "partial"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** The error for a file that curl could write only in part (its exit code 23). */
function afterFailedWrite(): { readonly fault: string; readonly again: string } {
  const sha = digestOf("a deb");
  writeFileSync(join(root, "partial", sha), "a ");
  writeFileSync(join(root, "batch"), `${sha}\t5\tpool/a.deb\n`);
  writeFileSync(join(root, "sums"), `${digestOf("a ")}  ${sha}\n`);
  writeFileSync(join(root, "report"), `23\t200\t${root}/partial/${sha}\t000\tFailed writing\t\n`);
  execFileSync("perl", ["-e", program, join(root, "batch"), root, join(root, "store")]);
  const read = (name: string) => readFileSync(join(root, name), "utf8").trimEnd();
  return { fault: read("faults"), again: read("again").replace(sha, "SHA") };
}

test("a full disk is reported as full, and the file is not tried again", () => {
  symlinkSync("/dev/full", join(root, "partial/probe"));
  expect(afterFailedWrite()).toEqual({
    fault: `fault pool/a.deb: cannot be written: ${root}/partial/probe: No space left on device`,
    again: "SHA\t5\tpool/a.deb\tfinal",
  });
});

test("if the disk has free space again, the file is tried again", () => {
  expect(afterFailedWrite()).toEqual({
    fault: "fault pool/a.deb: Failed writing (2 of 5 bytes are there)",
    again: "SHA\t5\tpool/a.deb\tpassing",
  });
});
