import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { claimsReport } from "../../../../resources/host/ledger/claims-report.ts";
import type { DeclaredPath } from "../../../../resources/host/ledger/declared-path.ts";
import { pathClaims } from "../../../../resources/host/ledger/path-claims.ts";
import { digestOf } from "../../../../values/digest.ts";
import { runHere } from "../../../host-on-this-machine.ts";
import { Intrusion, intruder } from "./intruder.ts";
import { Ground } from "./this-machine.ts";

let ground: Ground;

beforeEach(() => {
  ground = new Ground();
  mkdirSync(ground.at(""), { recursive: true });
});

afterEach(() => ground.clear());

/** All files below the changed directory: type, mode, time, and content or target. */
function manifest(): string {
  const format = "%P %y %m %T@ %l\n";
  const list = execFileSync("find", [ground.at(""), "-mindepth", "1", "-printf", format], {
    encoding: "utf8",
  });
  const sums = execFileSync("sh", ["-c", 'find "$1" -type f -exec sha256sum {} +', "-", ground.at("")], {
    encoding: "utf8",
  });
  return [...list.split("\n"), ...sums.split("\n")].sort().join("\n");
}

function link(name: string, target: string): DeclaredPath {
  return { type: "link", path: ground.at(name), target };
}

function absent(name: string): DeclaredPath {
  return { type: "absent", path: ground.at(name) };
}

describe("applying claims", () => {
  test("creates files, directories, links and their parent directories", async () => {
    const report = await ground.apply("r", [
      ground.file("deep/down/a.conf", "text\n", "0640"),
      ground.directory("data", "2750"),
      link("deep/link", "down/a.conf"),
    ]);
    expect(report).toMatchObject({ code: 0, stderr: "", began: true, warnings: [] });
    expect(readFileSync(ground.at("deep/link"), "utf8")).toBe("text\n");
    expect(lstatSync(ground.at("deep/down/a.conf")).mode & 0o7777).toBe(0o640);
    expect(lstatSync(ground.at("deep")).mode & 0o7777).toBe(0o755);
    expect(lstatSync(ground.at("data")).mode & 0o7777).toBe(0o2750);
  });

  test.each([
    ["quotes", `it's "quoted" \`here\` $HOME \\n`],
    ["a newline", "two\nlines"],
    ["a newline at the end", "line\n"],
    ["a leading dash", "-rf"],
    ["a glob pattern", "*?[a]"],
    ["letters beyond ASCII", "Übergröße 🗄"],
  ])("creates and removes names with %s", async (_, name) => {
    const before = manifest();
    const declared = [
      ground.file(`${name}/${name}`, `content of ${name}`),
      link(`${name}.link`, name),
      ground.directory(`${name}.d`),
    ];
    expect(await ground.apply("r", declared)).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(ground.at(`${name}/${name}`), "utf8")).toBe(`content of ${name}`);
    expect(readlinkSync(ground.at(`${name}.link`))).toBe(name);
    const found = await ground.look("r", declared);
    expect([...found.at.values()].map(({ type }) => type)).toEqual(["file", "link", "directory"]);
    expect(found.at.get(ground.at(`${name}/${name}`))?.content).toBe(`content of ${name}`);
    expect(found.at.get(ground.at(`${name}.link`))?.target).toBe(name);
    expect(await ground.apply("r", [])).toMatchObject({ code: 0, stderr: "" });
    expect(manifest()).toBe(before);
  });

  test("replaces a symbolic link, and does not write to its target", async () => {
    writeFileSync(ground.at("elsewhere"), "untouched");
    symlinkSync("elsewhere", ground.at("a"));
    expect(await ground.apply("r", [ground.file("a", "new")])).toMatchObject({ code: 0 });
    expect(readFileSync(ground.at("elsewhere"), "utf8")).toBe("untouched");
    expect(lstatSync(ground.at("a")).isFile()).toBe(true);
    expect(await ground.apply("r", [])).toMatchObject({ code: 0 });
    expect(readlinkSync(ground.at("a"))).toBe("elsewhere");
  });

  test("clears mode bits of a directory that are not declared", async () => {
    mkdirSync(ground.at("d"));
    chmodSync(ground.at("d"), 0o2775);
    expect(await ground.apply("r", [ground.directory("d", "0755")])).toMatchObject({ code: 0 });
    expect(lstatSync(ground.at("d")).mode & 0o7777).toBe(0o755);
    expect(await ground.apply("r", [])).toMatchObject({ code: 0 });
    expect(lstatSync(ground.at("d")).mode & 0o7777).toBe(0o2775);
  });

  test("replaces a file with a directory that has files, and back", async () => {
    const file = [ground.file("x", "file")];
    const directory = [ground.file("x/y/z", "inner")];
    for (const declared of [file, directory, file, [ground.directory("x"), ...directory], file]) {
      expect(await ground.apply("r", declared)).toMatchObject({ code: 0, stderr: "" });
    }
    expect(readFileSync(ground.at("x"), "utf8")).toBe("file");
    expect(await ground.apply("r", [])).toMatchObject({ code: 0 });
    expect(readdirSync(ground.at(""))).toEqual([]);
  });

  test("does not change a file that does not differ, but claims it", async () => {
    writeFileSync(ground.at("a"), "same");
    const before = manifest();
    expect(await ground.apply("r", [ground.file("a", "same")], () => false)).toMatchObject({ code: 0 });
    expect(manifest()).toBe(before);
    expect((await ground.look("r", [ground.file("a", "same")])).claimed).toBe(true);
  });
});

describe("releasing claims", () => {
  test("restores files, modes and times exactly, and deletes the ledger", async () => {
    writeFileSync(ground.at("file"), Buffer.from([0, 255, 10, 13]), { mode: 0o604 });
    writeFileSync(ground.at("default"), "a site");
    symlinkSync("default", ground.at("enabled"));
    mkdirSync(ground.at("dir"), { mode: 0o711 });
    writeFileSync(ground.at("dir/inner"), "kept");
    for (const name of ["file", "default", "dir"]) utimesSync(ground.at(name), 1e9, 1.1e9);
    const before = manifest();
    const declared = [
      ground.file("file", "ours"),
      ground.file("new/file", "ours"),
      ground.directory("dir", "0700"),
      link("default", "/nowhere"),
      absent("enabled"),
      absent("never there"),
    ];
    expect(await ground.apply("r", declared)).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(ground.at("enabled"))).toBe(false);
    expect(manifest()).not.toBe(before);
    expect(await ground.apply("r", [])).toMatchObject({ code: 0, stderr: "", warnings: [] });
    expect(manifest()).toBe(before);
    expect(existsSync(ground.place.directory)).toBe(false);
  });

  test("restores an empty directory with its mode and time", async () => {
    for (const name of ["file", "link"]) {
      mkdirSync(ground.at(name), { mode: 0o711 });
      utimesSync(ground.at(name), 1e9, 1.1e9);
    }
    const before = manifest();
    const declared = [ground.file("file", "ours"), link("link", "file")];
    expect(await ground.apply("r", declared)).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(ground.at("link"), "utf8")).toBe("ours");
    expect(await ground.apply("r", [])).toMatchObject({ code: 0, stderr: "", warnings: [] });
    expect(manifest()).toBe(before);
    expect(existsSync(ground.place.directory)).toBe(false);
  });

  test("restores paths that are no longer declared, and does not change the others", async () => {
    writeFileSync(ground.at("a"), "found");
    const keep = ground.file("keep", "kept");
    expect(
      await ground.apply("r", [ground.file("a", "ours"), ground.file("d/b", "ours"), keep]),
    ).toMatchObject({
      code: 0,
    });
    expect(await ground.apply("r", [keep])).toMatchObject({ code: 0, warnings: [] });
    expect(readFileSync(ground.at("a"), "utf8")).toBe("found");
    expect(readdirSync(ground.at("")).sort()).toEqual(["a", "keep"]);
  });

  test("keeps a directory that has other files in it, with a warning", async () => {
    expect(
      await ground.apply("r", [ground.directory("data"), ground.file("data/x/y", "ours")]),
    ).toMatchObject({ code: 0 });
    writeFileSync(ground.at("data/theirs"), "content");
    const { warnings } = await ground.apply("r", []);
    expect(warnings).toEqual([expect.stringContaining(ground.at("data"))]);
    expect(readdirSync(ground.at("data"))).toEqual(["theirs"]);
    expect(existsSync(ground.place.directory)).toBe(false);
  });

  test("is not an error if the created paths are already deleted", async () => {
    expect(await ground.apply("r", [ground.file("a/b/c", "x"), ground.directory("e")])).toMatchObject({
      code: 0,
    });
    rmSync(ground.at("a"), { recursive: true });
    rmSync(ground.at("e"), { recursive: true });
    expect(await ground.apply("r", [])).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(ground.place.directory)).toBe(false);
  });
});

describe("sharing paths", () => {
  test("two resources with the same declaration share a path until the last one releases it", async () => {
    writeFileSync(ground.at("a"), "found");
    const both = [ground.file("a", "ours"), ground.file("d/b", "ours")];
    expect(await ground.apply("one", both)).toMatchObject({ code: 0 });
    expect(await ground.apply("two", both)).toMatchObject({ code: 0 });
    expect(await ground.apply("one", [])).toMatchObject({ code: 0 });
    expect(readFileSync(ground.at("a"), "utf8")).toBe("ours");
    expect(readFileSync(ground.at("d/b"), "utf8")).toBe("ours");
    expect(await ground.apply("two", [])).toMatchObject({ code: 0 });
    expect(readFileSync(ground.at("a"), "utf8")).toBe("found");
    expect(readdirSync(ground.at(""))).toEqual(["a"]);
  });

  test("a different declaration of a path is refused before any change", async () => {
    expect(await ground.apply("old-name", [ground.file("a", "ours")])).toMatchObject({ code: 0 });
    const before = manifest();
    const { error, began } = await ground.apply("new-name", [
      ground.file("b", "x"),
      ground.file("a", "other"),
    ]);
    expect(began).toBe(false);
    expect(error?.message).toContain("old-name");
    expect(error?.message).toContain(ground.at("a"));
    expect(error?.message).toContain("alias");
    expect(manifest()).toBe(before);
  });

  test("resources that share a path can change it, one after the other, with a warning", async () => {
    const old = [ground.file("a", "old")];
    const next = [ground.file("a", "next")];
    expect(await ground.apply("one", old)).toMatchObject({ code: 0 });
    expect(await ground.apply("two", old)).toMatchObject({ code: 0 });
    const { code, warnings } = await ground.apply("one", next);
    expect(code).toBe(0);
    expect(warnings).toEqual([expect.stringContaining("shared with two")]);
    const back = await ground.apply("two", [...old, ground.file("c", "")]);
    expect(back.error?.message).toContain("one");
    expect(await ground.apply("two", next)).toMatchObject({ code: 0, warnings: [] });
    expect(readFileSync(ground.at("a"), "utf8")).toBe("next");
  });

  test("a directory that one resource needs can be declared by another resource", async () => {
    expect(await ground.apply("one", [ground.file("d/a", "x")])).toMatchObject({ code: 0 });
    expect(await ground.apply("two", [ground.directory("d", "0700")])).toMatchObject({ code: 0 });
    expect(await ground.apply("one", [])).toMatchObject({ code: 0 });
    expect(existsSync(ground.at("d"))).toBe(true);
    expect(await ground.apply("two", [])).toMatchObject({ code: 0 });
    expect(existsSync(ground.at("d"))).toBe(false);
  });
});

describe("applying claims refuses", () => {
  test.each<[string, (g: Ground) => void, (g: Ground) => DeclaredPath, RegExp]>([
    [
      "a directory with content where a file is declared",
      (g) => mkdirSync(g.at("a/b"), { recursive: true }),
      (g) => g.file("a", ""),
      /not empty/i,
    ],
    [
      "a file where a parent directory is needed",
      (g) => writeFileSync(g.at("a"), "data"),
      (g) => g.file("a/b", ""),
      /not a directory/,
    ],
    [
      "a link to a directory where a directory is declared",
      (g) => {
        mkdirSync(g.at("t"));
        symlinkSync("t", g.at("a"));
      },
      (g) => g.directory("a"),
      /symbolic link to a directory/,
    ],
    [
      "a directory that is declared absent",
      (g) => mkdirSync(g.at("a")),
      () => absent("a"),
      /only files and links/,
    ],
    [
      "an owner that does not exist",
      () => {},
      (g) => ({
        ...(g.file("a", "") as Extract<DeclaredPath, { type: "file" }>),
        owner: "nobody-by-this-name",
      }),
      /invalid user/,
    ],
  ])("%s", async (_, prepare, declare, reason) => {
    prepare(ground);
    const before = manifest();
    const { error } = await ground.apply("r", [declare(ground)]);
    expect(error?.message).toMatch(reason);
    expect(error?.message).toContain(ground.at("a"));
    expect(await ground.apply("r", [])).toMatchObject({ code: 0 });
    expect(manifest().replaceAll(/\d+\.\d{10}/g, "")).toBe(before.replaceAll(/\d+\.\d{10}/g, ""));
    expect(existsSync(ground.place.directory)).toBe(false);
  });
});

test("a claim that fails because the disk is full leaves no part of its copy", async () => {
  writeFileSync(ground.at("large"), "x".repeat(100_000));
  const claims = pathClaims("r", [ground.file("large", "ours")], () => true, ground.place);
  // In blocks of 512 bytes: tar cannot write all of the archive.
  const result = await runHere(`ulimit -f 64\n${claims.prologue}\n${claims.body}`);
  expect(claimsReport(claims, result).error?.message).toContain(`saving ${ground.at("large")}`);
  expect(existsSync(ground.place.directory)).toBe(false);
});

test.each([
  ["the next update, although the file does not differ", [["file", "ours"]]],
  ["a release", []],
])("what an update that was killed left beside a file is removed by %s", async (_, next) => {
  expect(await ground.apply("r", [ground.file("file", "ours")])).toMatchObject({ code: 0 });
  mkdirSync(ground.at(`.airgapped-maas.${digestOf(ground.at("file"))}`));
  const declared = next.map(([name = "", content = ""]) => ground.file(name, content));
  expect(await ground.apply("r", declared, () => false)).toMatchObject({ code: 0, stderr: "" });
  expect(readdirSync(ground.at(""))).toEqual(declared.length > 0 ? ["file"] : []);
});

// Only root can change another user's files.
describe.each(process.getuid?.() === 0 ? ["in a directory of another user"] : [])("%s", () => {
  const theirs = { owner: String(intruder), group: String(intruder) };
  type Kind = "file" | "directory" | "link";
  const declarations: Record<Kind, (path: string) => DeclaredPath> = {
    file: (path) => ({ type: "file", path, content: "ours", mode: "4755", ...theirs }),
    directory: (path) => ({ type: "directory", path, mode: "0777", ...theirs }),
    link: (path) => ({ type: "link", path, target: "inner" }),
  };
  const found: Record<Kind, string> = {
    file: 'echo found >"$1"; chmod 4755 "$1"',
    directory: 'mkdir -m 0777 "$1"',
    link: 'ln -s inner "$1"',
  };
  const cases: [Kind, "temporary name" | "name", "file" | "directory"][] = [
    ["file", "temporary name", "file"],
    ["file", "temporary name", "directory"],
    ["link", "temporary name", "directory"],
    ["directory", "temporary name", "directory"],
    ["directory", "name", "file"],
    ["directory", "name", "directory"],
  ];

  let intrusion: Intrusion;
  let path: string;

  beforeEach(() => {
    intrusion = new Intrusion(ground.root);
    path = join(intrusion.directory, "ours");
  });

  function script(declared: readonly DeclaredPath[]): string {
    const { prologue, body } = pathClaims("r", declared, () => true, ground.place);
    return `${prologue}\n${body}`;
  }

  /** Does this with a link to a victim in the place of a name, from each program on. */
  async function intrude(
    name: "temporary name" | "name",
    victim: "file" | "directory",
    declared: readonly DeclaredPath[],
    prepare: () => Promise<unknown>,
  ): Promise<void> {
    const before = intrusion.victims();
    const replaced = name === "name" ? "ours" : `.airgapped-maas.${digestOf(path)}`;
    let isReached = true;
    let nth = 0;
    while (isReached) {
      nth++;
      for (const each of readdirSync(intrusion.directory))
        rmSync(join(intrusion.directory, each), { recursive: true });
      rmSync(ground.place.directory, { recursive: true, force: true });
      await prepare();
      isReached = await intrusion.at(nth, replaced, victim, script(declared));
      expect({ nth, victims: intrusion.victims() }).toEqual({ nth, victims: before });
    }
    expect(nth).toBeGreaterThan(5);
  }

  test.each(cases)(
    "placing a %s does not follow a link in the place of its %s to root's %s",
    async (kind, name, victim) => {
      await intrude(name, victim, [declarations[kind](path)], async () => {});
      expect(await runHere(script([declarations[kind](path)]))).toMatchObject({ code: 0, stderr: "" });
    },
    60_000,
  );

  test.each(cases)(
    "restoring a %s does not follow a link in the place of its %s to root's %s",
    async (kind, name, victim) => {
      await intrude(name, victim, [], async () => {
        const other = kind === "directory" ? ground.directory("", "0700") : ground.file("", "ours");
        execFileSync("sh", ["-c", `${found[kind]}; chown -h ${intruder}:${intruder} "$1"`, "-", path]);
        expect(await runHere(script([{ ...other, path }]))).toMatchObject({ code: 0, stderr: "" });
      });
    },
    60_000,
  );
});
