import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { scriptPart } from "../../../../../resources/mirror/published-tree/script-part.ts";
import { digestOf } from "../../../../../values/digest.ts";
import { scratchDirectory } from "./job-on-this-machine.ts";

let root: string;
beforeEach(() => {
  root = scratchDirectory("link-from-store");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const parts = join(import.meta.dirname, "../../../../../resources/mirror/published-tree");
const tree = `${scriptPart(parts, "guard.sh")}\n${scriptPart(parts, "tree.sh")}`;

test("link_from_store links a file that another job replaces in the store at the same time", () => {
  const digest = digestOf("deb");
  const store = join(root, "store", digest.slice(0, 2));
  mkdirSync(store, { recursive: true });
  writeFileSync(join(store, digest), "deb");
  const names = Array.from({ length: 20_000 }, (_, index) => `pool/${index}.deb`);
  writeFileSync(join(root, "list"), names.map((name) => `${digest}\t3\t${name}\t${name}\n`).join(""));

  const replacing = `my $f = shift; for (;;) { open my $o, ">", "$f.new"; print $o "deb"; close $o; rename "$f.new", $f }`;
  execFileSync("sh", [
    "-ec",
    `${tree}
    ROOT=$1 STORE=$1/store LIST=$1/list WORK=$1
    perl -e '${replacing}' "$2" & replacer=$!
    trap 'kill $replacer' EXIT
    mkdir "$1/base"
    link_from_store pool "$1/base"`,
    "sh",
    root,
    join(store, digest),
  ]);

  expect(readdirSync(join(root, "base"))).toHaveLength(names.length);
}, 60_000);

test.each([
  ["the same content", "deb"],
  ["other content", "other"],
])("link_from_store replaces an existing file with a file with %s", (_, content) => {
  const link = (text: string) => {
    const digest = digestOf(text);
    const store = join(root, "store", digest.slice(0, 2));
    rmSync(store, { recursive: true, force: true });
    mkdirSync(store, { recursive: true });
    writeFileSync(join(store, digest), text);
    writeFileSync(join(root, "list"), `${digest}\t${text.length}\t-\tpool/a.deb\n`);
    execFileSync("sh", [
      "-ec",
      `${tree}\nROOT=$1 STORE=$1/store LIST=$1/list WORK=$1; mkdir -p "$1/base"; link_from_store pool "$1/base"`,
      "sh",
      root,
    ]);
    return statSync(join(store, digest)).ino;
  };
  link("deb");
  const stored = link(content);
  expect(statSync(join(root, "base/a.deb")).ino).toBe(stored);
  expect(readFileSync(join(root, "base/a.deb"), "utf8")).toBe(content);
});
