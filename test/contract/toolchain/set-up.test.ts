import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";

const repository = join(import.meta.dirname, "../../..");
/** The machine's commands, without Pulumi. */
const machine = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((directory) => !existsSync(join(directory, "pulumi")) && !directory.includes("node_modules"));

/** A repository with only the toolchain, so that the tests do not change this checkout's set-up. */
let root: string;
let elsewhere: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "set-up-"));
  elsewhere = mkdtempSync(join(tmpdir(), "installed-"));
  cpSync(join(repository, "toolchain"), join(root, "toolchain"), { recursive: true, verbatimSymlinks: true });
});

afterEach(() => {
  for (const directory of [root, elsewhere]) rmSync(directory, { recursive: true });
});

function executable(path: string, text: string): string {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** A CLI with a version, as far as set-up checks it. */
function installed(directory: string, version: string, { languageHost = true } = {}): string {
  if (languageHost) executable(join(directory, "pulumi-language-nodejs"), "");
  return executable(join(directory, "pulumi"), `echo ${version}`);
}

/** A real build takes minutes. This Go records its arguments and makes a file. */
function go(text = 'while [ "$1" != -o ]; do shift; done; echo built; : >"$2"; chmod +x "$2"'): string {
  return executable(join(elsewhere, "go/go"), `echo "$PWD $*" >>"${join(elsewhere, "go.log")}"; ${text}`);
}

function run(command: readonly string[], path: readonly string[] = [], env: Record<string, string> = {}) {
  const ran = spawnSync(join(root, "toolchain", command[0] ?? ""), command.slice(1), {
    encoding: "utf8",
    env: { HOME: root, PATH: [...path, ...machine].join(delimiter), ...env },
  });
  return { code: ran.status, stdout: ran.stdout, stderr: ran.stderr };
}

const chosen = () => readlinkSync(join(root, ".cache/toolchain/cli"));

describe("the choice of the Pulumi CLI", () => {
  test.each(["v3.259.0", "v3.260.1", "v4.0.0", "v3.300.0-alpha.1"])("an installed %s is used", (version) => {
    installed(join(elsewhere, "bin"), version);
    expect(run(["set-up", "pulumi"], [join(elsewhere, "bin")])).toMatchObject({ code: 0, stderr: "" });
    expect(chosen()).toBe(join(elsewhere, "bin"));
  });

  test.each([
    ["v3.258.9", true],
    ["v3.9.0", true],
    ["v3.260.0", false],
  ])("an installed %s (with language host: %s) is not used; a CLI is built", (version, languageHost) => {
    installed(join(elsewhere, "bin"), version, { languageHost });
    go();
    expect(run(["set-up", "pulumi"], [join(elsewhere, "bin"), join(elsewhere, "go")]).code).toBe(0);
    expect(chosen()).toContain(join(root, ".cache/toolchain/pulumi-3.259.0-"));
  });

  test("the CLI that PULUMI names is used before the installed one, and its links are followed", () => {
    installed(join(elsewhere, "bin"), "v3.259.0");
    const named = installed(join(elsewhere, "other"), "v3.261.0");
    execFileSync("ln", ["-s", named, join(elsewhere, "link")]);
    const ran = run(["set-up", "pulumi"], [join(elsewhere, "bin")], { PULUMI: join(elsewhere, "link") });
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(chosen()).toBe(join(elsewhere, "other"));
  });

  test("a CLI that PULUMI names and that is too old is refused, not replaced", () => {
    const named = installed(join(elsewhere, "other"), "v3.100.0");
    const ran = run(["set-up", "pulumi"], [], { PULUMI: named });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(`PULUMI=${named} is not a Pulumi CLI >= 3.259.0`);
  });

  test("without an installed CLI and without Go, the error names what is missing", () => {
    const withoutGo = machine.filter((directory) => !existsSync(join(directory, "go")));
    const ran = spawnSync(join(root, "toolchain/set-up"), ["pulumi"], {
      encoding: "utf8",
      env: { HOME: root, PATH: withoutGo.join(delimiter) },
    });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain("building the CLI needs Go >= 1.26");
  });
});

describe("building the CLI", () => {
  test("happens once, from the pinned module", () => {
    go();
    for (const _ of [1, 2]) expect(run(["set-up", "pulumi"], [join(elsewhere, "go")]).code).toBe(0);
    const log = execFileSync("cat", [join(elsewhere, "go.log")], { encoding: "utf8" })
      .trim()
      .split("\n");
    expect(log).toHaveLength(1);
    expect(log[0]).toContain(`${join(root, "toolchain/pulumi")} build -mod=readonly`);
  });

  test("happens once if two set-ups run at the same time", async () => {
    go('while [ "$1" != -o ]; do shift; done; sleep 0.3; : >"$2"; chmod +x "$2"');
    const both = `"${root}/toolchain/set-up" pulumi & "${root}/toolchain/set-up" pulumi; wait`;
    const path = [join(elsewhere, "go"), ...machine].join(delimiter);
    execFileSync("sh", ["-c", both], { env: { HOME: root, PATH: path }, stdio: "ignore" });
    const log = execFileSync("cat", [join(elsewhere, "go.log")], { encoding: "utf8" })
      .trim()
      .split("\n");
    expect(log).toHaveLength(1);
  });

  test("is repeated after a failed build, which shows its last output and leaves no CLI", () => {
    go('while [ "$1" != -o ]; do shift; done; echo half >"$2"; echo "disk is full" >&2; exit 1');
    const failed = run(["set-up", "pulumi"], [join(elsewhere, "go")]);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain("disk is full");
    expect(failed.stderr).toContain(join(root, ".cache/pulumi-build.log"));
    expect(existsSync(join(root, ".cache/toolchain/cli"))).toBe(false);
    go();
    expect(run(["set-up", "pulumi"], [join(elsewhere, "go")]).code).toBe(0);
    expect(existsSync(join(chosen(), "pulumi-language-nodejs"))).toBe(true);
  });
});

describe("the environment of commands", () => {
  /** The environment of a command. */
  function environment(env: Record<string, string> = {}, path: readonly string[] = []) {
    const { stdout, code } = run(["with-environment", "env"], path, env);
    expect(code).toBe(0);
    return new Map(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split(/=(.*)/s) as [string, string]),
    );
  }

  test("is that of the demo if the caller sets no backend", () => {
    go();
    run(["set-up", "pulumi"], [join(elsewhere, "go")]);
    const seen = environment({
      PULUMI_CONFIG_PASSPHRASE: "of other work",
      PULUMI_CONFIG_PASSPHRASE_FILE: "/x",
    });
    expect(seen.get("PULUMI_BACKEND_URL")).toBe(`file://${root}/.cache/pulumi-state`);
    expect(seen.get("PULUMI_CONFIG_PASSPHRASE")).toBe("demo");
    expect(seen.has("PULUMI_CONFIG_PASSPHRASE_FILE")).toBe(false);
    expect(seen.get("PULUMI_HOME")).toBe(`${root}/.cache/pulumi-home`);
    expect(seen.get("PULUMI_PARALLEL")).toBe("128");
    expect(seen.get("PATH")).toMatch(new RegExp(`^${chosen()}:${root}/node_modules/.bin:`));
  });

  test("keeps the caller's backend with its passphrase, home and parallelism", () => {
    const own = {
      PULUMI_BACKEND_URL: "file:///srv/state",
      PULUMI_CONFIG_PASSPHRASE: "own",
      PULUMI_HOME: join(elsewhere, "home"),
      PULUMI_PARALLEL: "3",
    };
    expect(Object.fromEntries(environment(own))).toMatchObject(own);
  });

  test("has no stand-ins if the installed CLI has its own plugins", () => {
    const bin = join(elsewhere, "bin");
    installed(bin, "v3.260.0");
    executable(join(bin, "pulumi-resource-pulumi-nodejs"), "");
    mkdirSync(join(root, ".pulumi/plugins/resource-command-v1.2.1"), { recursive: true });
    run(["set-up", "pulumi"], [bin]);
    const seen = environment({}, [bin]);
    expect(seen.get("PULUMI_HOME")).toBe(`${root}/.pulumi`);
    expect(seen.get("PATH")).not.toContain("stand-ins");
    expect(seen.get("PATH")).not.toContain("@pulumi/pulumi");
  });

  test("has the stand-ins last in PATH if the installed CLI has no command plugin", () => {
    const bin = join(elsewhere, "bin");
    installed(bin, "v3.260.0");
    run(["set-up", "pulumi"], [bin]);
    expect(environment({}, [bin]).get("PATH")).toMatch(new RegExp(`:${root}/toolchain/stand-ins$`));
  });
});

test("a user other than root gets a message that names the tests without root", () => {
  mkdirSync(join(root, "lab"));
  writeFileSync(join(root, "lab/machine-packages.txt"), "");
  const command = [join(root, "toolchain/set-up"), "packages"];
  // Only root can become another user.
  if (process.getuid?.() === 0) {
    execFileSync("chown", ["-R", "65534", root]);
    command.unshift("setpriv", "--reuid=65534", "--clear-groups");
  }
  const ran = spawnSync(command[0] as string, command.slice(1), { encoding: "utf8" });
  expect(ran.status).toBe(1);
  expect(ran.stderr.trim().split("\n")).toEqual([
    expect.stringMatching(
      /^set-up: the lab needs root on a Debian machine .*on this machine, `npm run jest -- test\/unit` runs the unit tests$/,
    ),
  ]);
});
