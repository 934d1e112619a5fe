import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { DeclaredPath } from "../../../../resources/host/ledger/declared-path.ts";
import { pathClaims } from "../../../../resources/host/ledger/path-claims.ts";
import { countedPrograms, killedAt } from "./killed-at.ts";
import { Ground } from "./this-machine.ts";

const programs = ["rm", "mkdir", "mv", "tar", "sync", "chmod", "ln", "rmdir"];

let ground: Ground;
let declared: DeclaredPath[];

beforeEach(() => {
  ground = new Ground();
  mkdirSync(ground.at("dir"), { recursive: true });
  mkdirSync(ground.at("empty"), { mode: 0o711 });
  writeFileSync(ground.at("file"), "found");
  writeFileSync(ground.at("gone"), "found too");
  symlinkSync("file", ground.at("link"));
  declared = [
    ground.file("file", "ours"),
    ground.file("new/file", "ours"),
    ground.file("empty", "ours"),
    ground.directory("dir", "0700"),
    { type: "link", path: ground.at("link"), target: "new/file" },
    { type: "absent", path: ground.at("gone") },
  ];
  countedPrograms(ground.root, programs);
});

afterEach(() => ground.clear());

/** The distance of the tried places. A prime number covers all parts of a loop. */
const stride = 3;

/** Kills the claims script before it starts its nth program. Returns whether it was reached. */
function cutOffAt(nth: number, paths: readonly DeclaredPath[]): Promise<boolean> {
  const claims = pathClaims("r", paths, () => true, ground.place);
  return killedAt(ground.root, nth, `${claims.prologue}\n${claims.body}`);
}

function manifest(): string {
  const list = execFileSync("sh", [
    "-c",
    'cd "$1" && find . -printf "%p %y %m %l\\n" | sort && cat file',
    "-",
    ground.at(""),
  ]);
  return list.toString();
}

test("after a kill at any step, a new apply completes the change, and a release restores everything", async () => {
  const before = manifest();
  let nth = 1;
  for (; await cutOffAt(nth, declared); nth += stride) {
    expect(await ground.apply("r", declared)).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(ground.at("link"), "utf8")).toBe("ours");
    expect(existsSync(ground.at("gone"))).toBe(false);
    expect(await ground.apply("r", [])).toMatchObject({ code: 0, stderr: "" });
    expect({ nth, left: manifest() }).toEqual({ nth, left: before });
    expect(existsSync(ground.place.directory)).toBe(false);
  }
  expect(nth).toBeGreaterThan(20);
}, 300_000);

test("after a kill of a release at any step, a new release restores everything", async () => {
  const before = manifest();
  let nth = 1;
  do {
    rmSync(ground.place.directory, { recursive: true, force: true });
    expect(await ground.apply("r", declared)).toMatchObject({ code: 0, stderr: "" });
    if (!(await cutOffAt(nth, []))) break;
    expect(await ground.apply("r", [])).toMatchObject({ code: 0, stderr: "" });
    expect({ nth, left: manifest() }).toEqual({ nth, left: before });
    expect(existsSync(ground.place.directory)).toBe(false);
    nth += stride;
  } while (nth < 200);
  expect(nth).toBeGreaterThan(10);
}, 300_000);
