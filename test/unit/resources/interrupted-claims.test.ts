import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { DeclaredPath } from "../../../resources/ledger/declared-path.ts";
import { pathClaims } from "../../../resources/ledger/path-claims.ts";
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
  mkdirSync(join(ground.root, "programs"));
  for (const program of programs) {
    const path = execFileSync("which", [program], { encoding: "utf8" }).trim();
    const wrapper = join(ground.root, "programs", program);
    // The shell, its subshells and this wrapper are one process group: all of it dies.
    writeFileSync(
      wrapper,
      `#!/bin/sh
count=$(($(/bin/cat "$COUNT") + 1))
echo "$count" >"$COUNT"
if [ "$count" -eq "$KILL_AT" ]; then kill -9 0; fi
exec ${path} "$@"
`,
    );
    chmodSync(wrapper, 0o755);
  }
});

afterEach(() => ground.clear());

/** Runs the claims script and kills it as it is about to start its nth program; tells whether it came to that. */
async function killedAt(nth: number, paths: readonly DeclaredPath[]): Promise<boolean> {
  const count = join(ground.root, "count");
  writeFileSync(count, "0\n");
  const claims = pathClaims("r", paths, () => true, ground.place);
  const env = {
    PATH: `${join(ground.root, "programs")}:${process.env.PATH}`,
    COUNT: count,
    KILL_AT: String(nth),
  };
  const shell = spawn("sh", [], { env, detached: true, stdio: ["pipe", "ignore", "ignore"] });
  shell.stdin.on("error", () => {}).end(`${claims.prologue}\n${claims.body}`);
  const signal = await new Promise((done) => shell.on("close", (_, by) => done(by)));
  return signal === "SIGKILL";
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

test("whenever it is killed, applying again completes it and letting go puts all back", async () => {
  const before = manifest();
  let nth = 1;
  for (; await killedAt(nth, declared); nth++) {
    expect(await ground.apply("r", declared)).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(ground.at("link"), "utf8")).toBe("ours");
    expect(existsSync(ground.at("gone"))).toBe(false);
    expect(await ground.apply("r", [])).toMatchObject({ code: 0, stderr: "" });
    expect({ nth, left: manifest() }).toEqual({ nth, left: before });
    expect(existsSync(ground.place.directory)).toBe(false);
  }
  expect(nth).toBeGreaterThan(20);
}, 300_000);

test("whenever letting go is killed, letting go again puts all back", async () => {
  const before = manifest();
  let nth = 1;
  do {
    rmSync(ground.place.directory, { recursive: true, force: true });
    expect(await ground.apply("r", declared)).toMatchObject({ code: 0, stderr: "" });
    if (!(await killedAt(nth, []))) break;
    expect(await ground.apply("r", [])).toMatchObject({ code: 0, stderr: "" });
    expect({ nth, left: manifest() }).toEqual({ nth, left: before });
    expect(existsSync(ground.place.directory)).toBe(false);
  } while (nth++ < 200);
  expect(nth).toBeGreaterThan(10);
}, 300_000);
