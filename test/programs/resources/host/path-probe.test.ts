import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { DeclaredPath } from "../../../../resources/host/ledger/declared-path.ts";
import { pathProbe } from "../../../../resources/host/ledger/path-probe.ts";

let folder: string;
const names = ["first", "second", "third"];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "airgapped-maas-probe-"));
  for (const name of names) writeFileSync(join(folder, name), `the ${name}\n`);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The result for the three paths, if `before` runs first in the same shell. */
function found(before = ""): unknown {
  const declared = names.map(
    (name): DeclaredPath => ({
      type: "file",
      path: join(folder, name),
      content: "something else",
      mode: "0644",
      owner: "root",
      group: "root",
      secret: false,
    }),
  );
  const { script, parse } = pathProbe("urn", declared, { directory: join(folder, "ledger") } as never);
  const { at } = parse(execFileSync("sh", ["-c", before + script], { encoding: "utf8" }));
  return Object.fromEntries(names.map((name) => [name, at.get(join(folder, name))?.content]));
}

const all = { first: "the first\n", second: "the second\n", third: "the third\n" };

test("the probe reports the content of each file that exists", () => {
  expect(found()).toEqual(all);
  rmSync(join(folder, "first"));
  expect(found()).toEqual({ ...all, first: undefined });
  for (const name of ["second", "third"]) rmSync(join(folder, name));
  expect(found()).toEqual({});
});

test.each(["stat", "sha256sum"])("the probe confuses no files if one is deleted before %s", (command) => {
  const interfering = `${command}() { rm -f ${folder}/second; command ${command} "$@"; }\n`;
  expect(found(interfering)).toEqual({ ...all, second: undefined });
});
