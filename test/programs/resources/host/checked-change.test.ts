import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { sh } from "../../../../hosts/shell.ts";
import { claimsReport, lookReport } from "../../../../resources/host/ledger/claims-report.ts";
import type { DeclaredPath } from "../../../../resources/host/ledger/declared-path.ts";
import { pathClaims } from "../../../../resources/host/ledger/path-claims.ts";
import { runHere } from "../../../host-on-this-machine.ts";
import { countedPrograms, killedAt } from "./killed-at.ts";
import { Ground } from "./this-machine.ts";

/* A service whose configuration is valid if every file in conf.d has the line `good`. */

let ground: Ground;

beforeEach(() => {
  ground = new Ground();
  mkdirSync(ground.at("conf.d"), { recursive: true });
});

afterEach(() => ground.clear());

const unit = "checked.service";

/** Names the wrong file in its error, as nginx does. */
function checks(ports: readonly number[] = []) {
  const command = `cd ${ground.at("conf.d")} && for f in *; do [ ! -e "$f" ] || grep -qx good "$f" || { echo "[emerg] bad line in $PWD/$f:1" >&2; exit 1; }; done`;
  return { [unit]: { command, ports } };
}

async function apply(
  resource: string,
  declared: readonly DeclaredPath[],
  env = "",
  tried: ReturnType<typeof checks> = checks(),
) {
  const claims = pathClaims(resource, declared, () => true, ground.place, tried);
  const result = await runHere(`${env}\n${claims.prologue}\n${claims.body}`);
  return { ...claimsReport(claims, result), ...result };
}

function manifest(root = ground.at("")): string {
  const script =
    'cd "$1" 2>/dev/null || exit 0; find . -printf "%p %y %m %U:%G %l\\n" | sort; find . -type f | sort | xargs -r sha256sum';
  return execFileSync("sh", ["-c", script, "-", root], { encoding: "utf8" });
}

const everything = () => manifest() + manifest(ground.place.directory);

/** A change of every kind. The service rejects the last part. */
function change(last: string): DeclaredPath[] {
  return [
    ground.file("conf.d/a", "good\n", "0600"),
    ground.file("conf.d/b", "good\n"),
    ground.file("was-directory", "now a file"),
    ground.file("was-file", "now ours"),
    ground.file("new/deep/file", "x"),
    ground.directory("dir", "0700"),
    { type: "link", path: ground.at("link"), target: "elsewhere" },
    { type: "absent", path: ground.at("unwanted") },
    { type: "held", path: "port 80", value: "http" },
    ground.file("conf.d/z", `${last}\n`),
  ];
}

function prepare(): void {
  writeFileSync(ground.at("conf.d/a"), "good\n", { mode: 0o640 });
  mkdirSync(ground.at("was-directory"), { mode: 0o711 });
  writeFileSync(ground.at("was-file"), "found");
  mkdirSync(ground.at("dir"), { mode: 0o755 });
  writeFileSync(ground.at("dir/theirs"), "kept");
  symlinkSync("dir", ground.at("link"));
  writeFileSync(ground.at("unwanted"), "found");
  chmodSync(ground.at("was-file"), 0o4711);
}

describe("a change that is refused or fails", () => {
  test("leaves a host unchanged at the first update, including the ledger", async () => {
    prepare();
    const before = everything();
    const { error, began, code } = await apply("r", change("bad"));
    expect(everything()).toBe(before);
    expect({ code, began }).toEqual({ code: 1, began: false });
    expect(error?.message).toContain(`bad line in ${ground.at("conf.d/z")}`);
    expect(error?.message).toContain("previous state has been restored");
    expect(error?.message).not.toContain("before this update");
  });

  test("leaves the results of earlier updates and shared paths unchanged", async () => {
    prepare();
    expect(await apply("other", [ground.file("conf.d/b", "good\n"), ground.file("x/y", "1")])).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(await apply("r", change("good"))).toMatchObject({ code: 0, stderr: "", warnings: [] });
    const before = everything();
    const next = [ground.file("conf.d/a", "bad\n"), ground.file("x/y", "1"), ground.directory("link")];
    expect((await apply("r", next)).error?.message).toContain("conf.d/a");
    expect(everything()).toBe(before);
    expect(await apply("r", change("good"))).toMatchObject({ code: 0, stderr: "" });
    expect(everything()).toBe(before);
  });

  test("is also undone if it fails before the check of the service", async () => {
    prepare();
    const before = everything();
    const wrongOwner = {
      ...ground.file("conf.d/zz", "good\n"),
      owner: "nobody-by-this-name",
    } as DeclaredPath;
    const { error, began } = await apply("r", [...change("good"), wrongOwner]);
    expect(error?.message).toContain("invalid user");
    expect(began).toBe(false);
    expect(everything()).toBe(before);
  });

  test("with an earlier error of the service is refused, and names the file and resource of that error", async () => {
    expect(
      await apply("old", [ground.file("conf.d/old", "bad\n")], "", {
        [unit]: { command: "true", ports: [] },
      }),
    ).toMatchObject({ code: 0 });
    const before = everything();
    const { error, alreadyBad } = await apply("files-a_of_dc1_of_p", [ground.file("conf.d/a", "good\n")]);
    expect(everything()).toBe(before);
    expect(alreadyBad).toBe(true);
    expect(error?.message).toMatch(/refused before this update changed anything: .*conf\.d\/old/);
    expect(error?.message).toContain(`${ground.at("conf.d/old")} is declared by old`);
    // The owner of the file may fix it.
    expect(await apply("old", [ground.file("conf.d/old", "good\n")])).toMatchObject({ code: 0 });
  });

  test("is undone if it removes a file that the remaining configuration needs", async () => {
    const needing = {
      [unit]: { command: `test -e ${ground.at("conf.d/a")} || { echo "[emerg] no a"; exit 1; }`, ports: [] },
    };
    expect(await apply("r", [ground.file("conf.d/a", "good\n")], "", needing)).toMatchObject({ code: 0 });
    const before = everything();
    expect(await apply("r", [], "", needing)).toMatchObject({ began: false, alreadyBad: false });
    expect(everything()).toBe(before);
  });
});

describe("a running service", () => {
  /**
   * A systemctl that reports a running unit, records its arguments, and refuses those that contain `refused`.
   */
  function systemctl(): string {
    mkdirSync(ground.at("bin"));
    const script = `#!/bin/sh
case "$1 $*" in
  show*ActiveState*) echo active ;;
  reload*) cat ${ground.at("conf.d")}/* >>${ground.root}/reloads; ! grep -q refused ${ground.at("conf.d")}/* ;;
esac
`;
    writeFileSync(ground.at("bin/systemctl"), script, { mode: 0o755 });
    return `PATH=${ground.at("bin")}:$PATH`;
  }
  const reloads = () => readFileSync(join(ground.root, "reloads"), "utf8");

  test("is reloaded with a change, and with the previous files again if it refuses the change", async () => {
    const env = systemctl();
    const lenient = { [unit]: { command: "true", ports: [] } };
    expect(await apply("r", [ground.file("conf.d/a", "one\n")], env, lenient)).toMatchObject({ code: 0 });
    expect(reloads()).toBe("one\n");
    const before = everything();
    const { error, began } = await apply("r", [ground.file("conf.d/a", "refused\n")], env, lenient);
    expect(error?.message).toMatch(/reloading checked.service/);
    expect(began).toBe(false);
    expect(everything()).toBe(before);
    expect(reloads()).toBe("one\nrefused\none\n");
  });
});

describe("an interrupted change", () => {
  const programs = ["rm", "mkdir", "mv", "tar", "sync", "chmod", "ln", "rmdir", "cp", "grep"];

  beforeEach(() => {
    prepare();
    countedPrograms(ground.root, programs);
  });

  function cutOffAt(nth: number, declared: readonly DeclaredPath[]): Promise<boolean> {
    const claims = pathClaims("r", declared, () => true, ground.place, checks());
    return killedAt(ground.root, nth, `${claims.prologue}\n${claims.body}`);
  }

  test("is undone by the next change of any resource, wherever it was interrupted", async () => {
    const before = everything();
    let cutOff = 0;
    let nth = 1;
    // Each place takes about a second, so only some are tried. A prime step covers all parts of a loop.
    for (; await cutOffAt(nth, change("bad")); nth += 23) {
      const seen = await ground.look("r", [ground.file("conf.d/a", "good\n")]);
      if (existsSync(join(ground.place.directory, "undo"))) {
        expect(seen.cutOff).toBe(true);
        cutOff++;
      }
      expect(await apply("other", [])).toMatchObject({ code: 0, stderr: "" });
      if (existsSync(ground.place.directory)) {
        // It had not changed anything yet, only made records.
        expect(await apply("r", [])).toMatchObject({ code: 0, stderr: "" });
      }
      expect({ nth, left: everything() }).toEqual({ nth, left: before });
    }
    expect(cutOff).toBeGreaterThan(5);
    expect(everything()).toBe(before);
  }, 300_000);
});

describe("held names", () => {
  const held = (value: string): DeclaredPath => ({ type: "held", path: "TCP port 80", value });

  test("are shared by resources with the same value, and deleted with the last resource", async () => {
    const plain = { ...checks() };
    expect(await apply("one", [held("http")], "", plain)).toMatchObject({ code: 0 });
    expect(await apply("two", [held("http")])).toMatchObject({ code: 0 });
    const refused = await apply("files-c_of_dc1_of_p", [held("https")]);
    expect(refused.error?.message).toMatch(/claiming TCP port 80: one, two on this host/);
    expect(refused.error?.message).toContain("nameOnHost");
    expect(await apply("one", [])).toMatchObject({ code: 0 });
    expect(await apply("two", [])).toMatchObject({ code: 0 });
    expect(existsSync(ground.place.directory)).toBe(false);
  });

  test("can be changed if they are shared with the same stack, but not with another stack", async () => {
    const [a, b] = ["files-a_of_dc1_of_p", "files-b_of_dc1_of_p"];
    const c = "files-c_of_dc2_of_p";
    expect(await apply(a, [held("http")])).toMatchObject({ code: 0 });
    expect(await apply(b, [held("http")])).toMatchObject({ code: 0 });
    expect(await apply(a, [held("https")])).toMatchObject({
      code: 0,
      warnings: [expect.stringContaining("b of the stack dc1")],
    });
    expect(await apply(b, [held("https")])).toMatchObject({ code: 0 });
    expect(await apply(c, [held("https")])).toMatchObject({ code: 0 });
    expect((await apply(a, [held("http")])).error?.message).toContain("c of the stack dc2 (project p)");
  });

  test("are reported in a preview with the resource that holds them, and nothing changes", async () => {
    expect(
      await apply("files-a_of_dc1_of_p", [held("http"), ground.file("conf.d/a", "good\n")]),
    ).toMatchObject({ code: 0 });
    const before = everything();
    const claims = pathClaims(
      "r",
      [held("https"), ground.file("conf.d/a", "other\n")],
      () => false,
      ground.place,
      checks(),
    );
    const result = await runHere(`${claims.prologue}\n${claims.checkScript}\n`);
    expect(lookReport(claims, result)?.message).toMatch(
      /^claiming TCP port 80: a of the stack dc1 \(project p\)/,
    );
    expect(everything()).toBe(before);
  });

  test("a port that another process listens on is refused, and the process is named", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const tried = checks([port]);
    const claims = pathClaims("r", [held("http")], () => true, ground.place, tried);
    const looked = lookReport(claims, await runHere(`${claims.prologue}\n${claims.checkScript}\n`));
    expect(looked?.message).toMatch(new RegExp(`listens on port ${port}: .+ \\(process ${process.pid}\\)`));
    const before = everything();
    const { error, began } = await apply("r", [held("http")], "", tried);
    expect(error?.message).toBe(looked?.message);
    expect(began).toBe(false);
    expect(everything()).toBe(before);
    server.close();
  });
});

test("removing files does not need a free port", async () => {
  expect(await apply("r", [ground.file("conf.d/a", "good\n")])).toMatchObject({ code: 0 });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  expect(await apply("r", [], "", checks([port]))).toMatchObject({ code: 0, stderr: "" });
  expect(existsSync(ground.at("conf.d/a"))).toBe(false);
  server.close();
});

test("a directory that is created again for restored files has its previous mode and owner", async () => {
  mkdirSync(ground.at("outer/inner"), { recursive: true });
  writeFileSync(ground.at("outer/inner/a"), "found");
  chmodSync(ground.at("outer"), 0o751);
  chmodSync(ground.at("outer/inner"), 0o2775);
  const before = manifest();
  expect(await apply("r", [ground.file("outer/inner/a", "ours")])).toMatchObject({ code: 0, stderr: "" });
  rmSync(ground.at("outer"), { recursive: true });
  expect(await apply("r", [])).toMatchObject({ code: 0, stderr: "" });
  expect(manifest()).toBe(before);
});

test("a directory that the ledger has no record of is created again with mode 0755", async () => {
  mkdirSync(ground.at("outer/inner"), { recursive: true });
  writeFileSync(ground.at("outer/inner/a"), "found");
  expect(await apply("r", [ground.file("outer/inner/a", "ours")])).toMatchObject({ code: 0 });
  execFileSync("sh", ["-c", 'rm "$1"/paths/*/ancestors', "-", ground.place.directory]);
  rmSync(ground.at("outer"), { recursive: true });
  expect(await apply("r", [])).toMatchObject({ code: 0, stderr: "" });
  expect(statSync(ground.at("outer")).mode & 0o7777).toBe(0o755);
  expect(statSync(ground.at("outer/inner")).mode & 0o7777).toBe(0o755);
});

// A separate mount namespace needs root. The preview of other users works without it.
describe.each(process.getuid?.() === 0 ? ["a preview"] : [])("%s", () => {
  const folder = "/etc/airgapped-maas-trial";
  const conf = (name: string, content: string): DeclaredPath => ({
    type: "file",
    path: `${folder}/${name}`,
    content,
    mode: "0644",
    owner: "root",
    group: "root",
  });
  const command = `! grep -n bad ${folder}/*.conf`;
  /** Fails in the preview's namespace. */
  const onlyOutside = `[ "$(stat -f -c %T /etc)" != overlayfs ] || [ "$(stat -f -c %T /)" = overlayfs ]`;

  async function look(declared: readonly DeclaredPath[]) {
    const claims = pathClaims("r", declared, () => true, ground.place, { [unit]: { command } });
    return lookReport(claims, await runHere(`${claims.prologue}\n${claims.checkScript}\n${claims.trial}\n`));
  }

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("checks the complete configuration of the service, and changes nothing", async () => {
    expect(await look([conf("a.conf", "good\n")])).toBeUndefined();
    const bad = await look([conf("a.conf", "good\n"), conf("b.conf", "bad\n")]);
    expect(bad?.message).toMatch(/checking the new configuration of checked.service: .*b\.conf:1:bad/);
    expect(bad?.message).toContain("Nothing has been changed.");
    expect(existsSync(folder)).toBe(false);
    expect(existsSync(ground.place.directory)).toBe(false);
  });

  test.each([
    ["a directory is", folder],
    ["a directory above it is", `${folder}/inner`],
  ])("changes nothing if %s a link out of /etc", async (_, linked) => {
    const real = ground.at("real");
    mkdirSync(real);
    for (const name of ["a", "b", "c", "d"]) writeFileSync(`${real}/${name}.conf`, "theirs\n");
    mkdirSync(dirname(linked), { recursive: true });
    symlinkSync(real, linked);
    const below = (name: string, content: string) => ({ ...conf(name, content), path: `${linked}/${name}` });
    const earlier = [below("c.conf", "ours\n"), below("new.conf", "ours\n")];
    expect(await apply("r", earlier)).toMatchObject({ code: 0, stderr: "" });
    const before = everything();
    const wanted: DeclaredPath[] = [
      below("a.conf", "bad\n"),
      below("deep/e.conf", "bad\n"),
      { type: "link", path: `${linked}/d.conf`, target: "a.conf" },
      { type: "absent", path: `${linked}/b.conf` },
    ];
    for (const item of wanted) {
      expect(await look([item])).toBeUndefined();
      expect(everything()).toBe(before);
    }
    // Nothing of the resource is left: only what it had is given back.
    expect(await look([conf("e.conf", "good\n")])).toBeUndefined();
    expect(everything()).toBe(before);
  });

  test("checks files behind a link that stays in /etc", async () => {
    mkdirSync(`${folder}/inner`, { recursive: true });
    symlinkSync("inner", `${folder}/link`);
    const through = { ...conf("", "bad\n"), path: `${folder}/link/a.conf` } as DeclaredPath;
    const before = manifest(folder);
    const inner = { [unit]: { command: `! grep -n bad ${folder}/inner/*.conf` } };
    const claims = pathClaims("r", [through], () => true, ground.place, inner);
    const result = await runHere(`${claims.prologue}\n${claims.checkScript}\n${claims.trial}\n`);
    expect(lookReport(claims, result)?.message).toContain("1:bad");
    expect(manifest(folder)).toBe(before);
  });

  test("refuses nothing if a file system is mounted below /etc, whose files it could not see", async () => {
    mkdirSync(`${folder}/mounted`, { recursive: true });
    const needing = `[ ! -e ${folder}/a.conf ] || [ -e ${folder}/mounted/certificate ]`;
    const claims = pathClaims("r", [conf("a.conf", "good\n")], () => true, ground.place, {
      [unit]: { command: needing },
    });
    const preview = `${claims.prologue}\n${claims.checkScript}\n${claims.trial}\n`;
    const mounted = sh`unshare --mount --propagation private sh -ec ${`mount -t tmpfs none ${folder}/mounted
: >${folder}/mounted/certificate
${preview}`}`;
    const result = await runHere(mounted);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(lookReport(claims, result)).toBeUndefined();
  });

  test("does not release anything to make way for a file", async () => {
    const earlier = [conf("x/y.conf", "ours\n"), ground.file("elsewhere", "ours\n")];
    expect(await apply("r", earlier)).toMatchObject({ code: 0, stderr: "" });
    const before = everything() + manifest(folder);
    expect(await look([conf("x", "good\n")])).toBeUndefined();
    expect(everything() + manifest(folder)).toBe(before);
  });

  test("is not ended by a declared text, and does not run it", async () => {
    const marker = join(ground.root, "marker");
    const target = `x\nEND-OF-TRIAL\ntouch ${marker}\n: ''`;
    const link: DeclaredPath = { type: "link", path: `${folder}/link`, target };
    const large = conf("large.conf", "good\n".repeat(40_000));
    const preview = async (tried: string) => {
      const declared = [link, large, conf("z.conf", "bad\n")];
      const claims = pathClaims("r", declared, () => true, ground.place, { [unit]: { command: tried } });
      // Not as an argument, which could not be this large.
      const script = `${claims.prologue}\n${claims.checkScript}\n${claims.trial}\n`;
      return lookReport(claims, await runHere("exec sh", script));
    };
    // A trial that ends early does not read the rest of its text.
    expect(await preview(onlyOutside)).toBeUndefined();
    expect(existsSync(marker)).toBe(false);
    expect((await preview(command))?.message).toContain("z.conf:1:bad");
    expect(existsSync(marker)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  test("ignores the errors of a service that fails in the preview also without the change", async () => {
    const claims = pathClaims("r", [conf("a.conf", "bad\n")], () => true, ground.place, {
      [unit]: { command: `${onlyOutside} && ${command}` },
    });
    const { stdout } = await runHere(`${claims.prologue}\n${claims.checkScript}\n${claims.trial}\n`);
    expect(stdout).not.toContain("rejected");
  });

  test("does not check files that the update removes, and reports earlier errors", async () => {
    mkdirSync(folder);
    expect(await apply("r", [conf("old.conf", "bad\n")])).toMatchObject({ code: 0 });
    const before = manifest(folder);
    expect(await look([conf("a.conf", "good\n")])).toBeUndefined();
    writeFileSync(join(folder, "theirs.conf"), "bad\n");
    const blamed = await look([conf("a.conf", "good\n")]);
    expect(blamed?.message).toMatch(/refused before this update changed anything: .*theirs\.conf/s);
    rmSync(join(folder, "theirs.conf"));
    expect(manifest(folder)).toBe(before);
  });
});
