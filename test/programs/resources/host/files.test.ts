import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { files } from "../../../../resources/host/files.ts";
import { check } from "../../../../resources/kernel/check.ts";
import type { Json, ResourceContext } from "../../../../resources/kernel/definition.ts";
import { HostOnThisMachine } from "../../../host-on-this-machine.ts";
import { Ground } from "./this-machine.ts";

describe("observing files", () => {
  let ground: Ground;
  const me = { owner: "", group: "" };

  beforeEach(() => {
    ground = new Ground();
    mkdirSync(ground.at(""), { recursive: true });
    me.owner = execFileSync("id", ["-un"], { encoding: "utf8" }).trim();
    me.group = execFileSync("id", ["-gn"], { encoding: "utf8" }).trim();
  });

  afterEach(() => ground.clear());

  function context(): ResourceContext {
    const host = new HostOnThisMachine("here", ground.at("host"));
    return { id: "files-test", host, progress: () => {}, warn: () => {} };
  }

  async function observe(given: Record<string, Json>) {
    const { inputs, failures } = check(files.inputs, { host: "here", ...given });
    expect(failures).toEqual([]);
    const observed = await files.observe(context(), inputs as never);
    return { inputs, observed: observed?.inputs };
  }

  const file = (content: string, rest: object = {}) => ({ content, mode: "0644", ...me, ...rest });

  test("returns the declared inputs if nothing differs", async () => {
    writeFileSync(ground.at("a"), "größer\n");
    mkdirSync(ground.at("d"), { mode: 0o755 });
    symlinkSync("over there", ground.at("l"));
    const { inputs, observed } = await observe({
      files: { [ground.at("a")]: file("größer\n") },
      directories: { [ground.at("d")]: { mode: "0755", ...me } },
      links: { [ground.at("l")]: "over there" },
      absent: [ground.at("no")],
    });
    expect(observed).toEqual(inputs);
  });

  test("accepts numbers for owners, and shows other owners by name", async () => {
    writeFileSync(ground.at("a"), "");
    const numbers = file("", ground.me);
    const { inputs, observed } = await observe({ files: { [ground.at("a")]: numbers } });
    expect(observed).toEqual(inputs);
    const other = await observe({ files: { [ground.at("a")]: file("", { owner: "daemon" }) } });
    expect(other.observed?.files[ground.at("a")]).toEqual(file(""));
  });

  test("returns nothing if no declared path exists", async () => {
    const { observed } = await observe({ files: { [ground.at("a")]: file("") }, absent: [ground.at("b")] });
    expect(observed).toBeUndefined();
  });

  test("returns the inputs if no path is declared", async () => {
    const { inputs, observed } = await observe({});
    expect(observed).toEqual(inputs);
  });

  test.each<[string, (path: string) => void, object]>([
    ["text", (path) => writeFileSync(path, "by hand"), { content: "by hand" }],
    ["an empty file", (path) => writeFileSync(path, ""), { content: "" }],
    [
      "bytes that are not text",
      (path) => writeFileSync(path, Buffer.from([0xff, 0xfe])),
      { content: expect.stringMatching(/^\(binary, 2 bytes, sha256 [0-9a-f]{64}\)$/) },
    ],
    [
      "bytes with a NUL",
      (path) => writeFileSync(path, "a\0b"),
      { content: expect.stringMatching(/^\(binary, 3 bytes/) },
    ],
    [
      "a large text",
      (path) => writeFileSync(path, "x".repeat(65537)),
      { content: expect.stringMatching(/^\(large, 65537 bytes/) },
    ],
    [
      "the largest text that is shown",
      (path) => writeFileSync(path, "x".repeat(65536)),
      { content: "x".repeat(65536) },
    ],
    ["a mode", (path) => chmodSync(path, 0o4600), { mode: "4600" }],
    [
      "a directory",
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      { content: "(a directory)" },
    ],
    [
      "a link",
      (path) => {
        rmSync(path);
        symlinkSync("/etc/passwd", path);
      },
      { content: "(a symbolic link)" },
    ],
    [
      "a pipe",
      (path) => {
        rmSync(path);
        execFileSync("mkfifo", [path]);
      },
      { content: "(a pipe)" },
    ],
  ])("shows the property that differs: %s", async (_, change, difference) => {
    const path = ground.at("a");
    writeFileSync(path, "declared");
    change(path);
    const { observed } = await observe({ files: { [path]: file("declared") } });
    expect(observed?.files).toEqual({ [path]: { ...file("declared"), ...difference } });
  });

  test("leaves out missing files, and absent paths that exist", async () => {
    const [here, gone, extra] = [ground.at("a"), ground.at("b"), ground.at("c")] as const;
    writeFileSync(here, "x");
    writeFileSync(extra, "x");
    const { observed } = await observe({
      files: { [gone]: file("x"), [here]: file("x") },
      absent: [extra],
    });
    expect(Object.keys(observed?.files ?? {})).toEqual([here]);
    expect(observed?.absent).toEqual([]);
  });

  test("never shows the content of a secret file, only that it differs", async () => {
    const path = ground.at("secret");
    writeFileSync(path, "other secret", { mode: 0o600 });
    const { observed } = await observe({ secretFiles: { [path]: { content: "the secret", ...me } } });
    expect(observed?.secretFiles[path]?.content).toBe("(differs from what is declared)");
    expect(JSON.stringify(observed)).not.toContain("other secret");
  });

  test("shows the type of a file in the place of a link or a directory", async () => {
    writeFileSync(ground.at("l"), "");
    writeFileSync(ground.at("d"), "");
    const { observed } = await observe({
      links: { [ground.at("l")]: "x" },
      directories: { [ground.at("d")]: { ...me } },
    });
    expect(observed?.links).toEqual({ [ground.at("l")]: "(a file)" });
    expect(observed?.directories[ground.at("d")]?.mode).toBe("(a file)");
  });
});
