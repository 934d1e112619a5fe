import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { publishScript, restoreScript } from "../../../../../resources/mirror/apt/scripts.ts";
import { observeScript } from "../../../../../resources/mirror/published-tree/scripts.ts";
import { type WorkItem, workListText } from "../../../../../resources/mirror/published-tree/work-list.ts";
import { digestOf } from "../../../../../values/digest.ts";
import { startJob } from "../../../../host-on-this-machine.ts";
import { handOverTo, scratchDirectory } from "../published-tree/job-on-this-machine.ts";

/*
 * Packages in several trees whose bytes change upstream: the jobs of a mirror with upstream's signature, run on this machine
 * with all files uploaded.
 */

let root: string;
beforeEach(() => {
  root = scratchDirectory("pools");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const place = () => ({ owner: "m", directory: join(root, "m"), store: join(root, "store") });
const at = (path: string) => join(root, "m", path);
const current = () => readlinkSync(at("current")).replace("trees/", "");
const served = (path: string, tree = current()) => readFileSync(at(`trees/${tree}/public/${path}`), "utf8");
const pools = () =>
  readdirSync(at(""))
    .filter((name) => name.startsWith("pool"))
    .sort();

function uploadTexts(text: string): string {
  const digest = digestOf(text);
  const there = existsSync(join(root, "store", digest.slice(0, 2), digest));
  return there ? digest : handOverTo(join(root, "store"), text);
}

const endings = {
  "killed when the pool is filled": "kill -KILL $$",
  "over when the pool is filled": "exit 65",
} as const;
type Ending = "whole" | keyof typeof endings;

/** Publishes files by path. */
async function publish(
  files: Record<string, string>,
  { keep = 3, ending = "whole" }: { readonly keep?: number; readonly ending?: Ending } = {},
) {
  const items: WorkItem[] = Object.entries(files).map(([path, text]) => ({
    sha256: uploadTexts(text),
    size: text.length,
    from: undefined,
    to: path.startsWith("pool/") ? path : `tree/${path}`,
  }));
  const list = workListText(items);
  const script = publishScript({
    ...place(),
    signing: "upstream",
    upstream: "http://127.0.0.1:9",
    fetch: { parallel: 1, stallSeconds: 1 },
    keep,
    plan: uploadTexts(list),
    planText: uploadTexts(list),
    summary: uploadTexts(JSON.stringify({ signing: "upstream", plan: "p" })),
    contents: uploadTexts("{}"),
  });
  const end = ending === "whole" ? "" : `${endings[ending]}\n`;
  const ended = script.replace("\nmake_tree\n", () => `\nmake_tree\n${end}`);
  expect(ended === script).toBe(ending === "whole");
  const { code, lines } = await startJob(root, ended, list).ended;
  if (ending === "whole" && code === 0) expect(await faults()).toEqual([]);
  return { code, lines };
}

/** Serves a kept snapshot again. */
const restore = (tree: string) =>
  startJob(root, restoreScript({ ...place(), signing: "upstream", keep: 3, plan: "", summary: "" }, tree))
    .ended;

/** The missing or wrong files of each kept tree. */
async function faults(): Promise<string[]> {
  const { lines } = await startJob(root, observeScript(place())).ended;
  const kept = readdirSync(at("trees")).filter((name) => /^\d/.test(name));
  const script = observeScript(place()).replace(/\nif \[ ! -e "\$ROOT\/current[\s\S]*/, "");
  const wrong = kept.map((tree) =>
    execFileSync("sh", ["-ec", `${script}\nfaults_of "$ROOT/trees/$1"`, "sh", tree]).toString(),
  );
  return [...lines.slice(5, -1), ...wrong.filter(Boolean)];
}

/** All files below the directory, with their bytes. */
const everything = () =>
  execFileSync(
    "sh",
    ["-c", "readlink current; find pool* trees/[0-9]* -type f -exec sha256sum {} + | sort -k2"],
    {
      cwd: at(""),
    },
  ).toString();

const one = { "dists/noble/InRelease": "root 1", "pool/same_1.0.deb": "A", "pool/old.deb": "old" };
const other = { "dists/noble/InRelease": "root 2", "pool/same_1.0.deb": "other", "pool/new.deb": "new" };

describe("a path whose content changes", () => {
  test("has its own content in each tree, and files of the previous tree are still served", async () => {
    await publish(one);
    const first = current();
    await publish(other);
    expect([served("pool/same_1.0.deb", first), served("pool/same_1.0.deb")]).toEqual(["A", "other"]);
    expect(served("pool/old.deb")).toBe("old");
    expect(pools()).toHaveLength(2);
    // Trees that only add files use the newest pool.
    await publish({ ...other, "dists/noble/InRelease": "root 3", "pool/more.deb": "more" });
    expect([pools().length, served("pool/more.deb"), served("pool/old.deb")]).toEqual([2, "more", "old"]);
    expect((await restore(first)).code).toBe(0);
    expect([current(), served("pool/same_1.0.deb"), served("pool/more.deb")]).toEqual([first, "A", "more"]);
    expect(await faults()).toEqual([]);
  });

  test("does not keep a pool that no kept snapshot uses", async () => {
    await publish(one);
    for (const bytes of ["other", "A", "C"]) {
      expect((await publish({ ...other, "pool/same_1.0.deb": bytes }, { keep: 2 })).code).toBe(0);
      expect(served("pool/same_1.0.deb")).toBe(bytes);
      expect(pools()).toHaveLength(2);
    }
    await publish({ ...other, "pool/same_1.0.deb": "C" }, { keep: 1 });
    expect(pools()).toHaveLength(1);
    expect(readdirSync(at(pools()[0] ?? "")).sort()).toEqual(["new.deb", "same_1.0.deb"]);
  });

  test.each([
    ["a directory where a kept snapshot has a file", { "pool/old.deb/below.deb": "below" }],
    ["a file where a kept snapshot has a directory", { "pool/a": "file" }],
    ["a file below the path of a kept snapshot's file", { "pool/old.deb/x/y/z.deb": "below" }],
  ])("can be %s", async (_, more) => {
    await publish({ ...one, "pool/a/b.deb": "b" });
    const first = current();
    const { "pool/old.deb": __, ...rest } = one;
    await publish({ ...rest, ...more });
    expect([served("pool/old.deb", first), served("pool/a/b.deb", first)]).toEqual(["old", "b"]);
    for (const [path, bytes] of Object.entries(more)) expect(served(path)).toBe(bytes);
  });
});

describe("a failed update", () => {
  const failures: readonly [
    string,
    (files: Record<string, string>) => Promise<{ readonly code: number | null }>,
  ][] = [
    [
      "is killed after the pool is filled",
      (files) => publish(files, { ending: "killed when the pool is filled" }),
    ],
    ["has a file in the place of the pool", (files) => publish({ ...files, pool: "a file" })],
  ];

  test.each(failures)("that %s does not change the served tree and the kept snapshots", async (_, fail) => {
    await publish(one);
    const { "dists/noble/InRelease": __, ...packages } = one;
    await publish({ "dists/noble/InRelease": "root 1b", ...packages });
    const before = everything();
    expect((await fail(other)).code).not.toBe(0);
    const after = new Set(everything().split("\n"));
    expect(before.split("\n").filter((line) => !after.has(line))).toEqual([]);
    expect(await faults()).toEqual([]);
    expect((await publish(other)).code).toBe(0);
    expect(served("pool/same_1.0.deb")).toBe("other");
  });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ["a file where the next update has a directory", { "pool/x": "file" }, { "pool/x/y.deb": "y" }],
    ["a directory where the next update has a file", { "pool/x/y/z.deb": "z" }, { "pool/x": "file" }],
    ["other bytes", { "pool/x": "some" }, { "pool/x": "other" }],
  ])("that leaves %s in the pool does not disturb the next update", async (_, left, next) => {
    await publish(one);
    expect((await publish({ ...one, ...left }, { ending: "killed when the pool is filled" })).code).not.toBe(
      0,
    );
    expect((await publish({ ...one, ...next })).code).toBe(0);
    for (const [path, bytes] of Object.entries(next)) expect(served(path)).toBe(bytes);
    expect(pools()).toEqual(["pool"]);
  });

  test("that created a pool does not leave it after the next update", async () => {
    await publish(one);
    await publish(other, { ending: "killed when the pool is filled" });
    expect(pools()).toHaveLength(2);
    await publish({ ...one, "dists/noble/InRelease": "root 3" });
    expect(pools()).toEqual(["pool"]);
  });
});

describe("an update that stops with an error after the pool is filled", () => {
  const packages = () =>
    execFileSync("sh", ["-c", "find pool* -printf '%p %i\n' | sort"], { cwd: at("") }).toString();
  const fail = async (files: Record<string, string>) => {
    const { code } = await publish(files, { ending: "over when the pool is filled" });
    expect(code).toBe(65);
  };

  test.each<[string, Record<string, string>]>([
    ["more packages", { "pool/new.deb": "new", "pool/deep/in/it/new.deb": "new", "pool/a/c.deb": "c" }],
    ["other bytes, in a separate pool", { "pool/old.deb": "other", "pool/deep/new.deb": "new" }],
    ["a name with shell syntax", { "pool/$(x)/'a'.deb": "a" }],
  ])("removes the files that it added: %s", async (_, more) => {
    const files = { ...one, "pool/a/b.deb": "b" };
    await publish(files);
    const before = [packages(), everything()];
    await fail({ ...files, ...more });
    expect([packages(), everything()]).toEqual(before);
    expect((await publish({ ...files, ...more, "dists/noble/InRelease": "root 2" })).code).toBe(0);
    for (const [path, bytes] of Object.entries(more)) expect(served(path)).toBe(bytes);
  });

  test("does not remove files that existed before, listed or not", async () => {
    await publish(one);
    await publish({ ...one, "pool/left.deb": "left" }, { ending: "killed when the pool is filled" });
    const before = packages();
    await fail({ ...one, "pool/left.deb": "left", "pool/new.deb": "new" });
    expect(packages()).toBe(before);
    expect(before).toContain("left.deb");
  });
});

describe("a pool in which a file of an older snapshot was replaced", () => {
  test("is still used, and that snapshot stays damaged", async () => {
    await publish(one);
    const first = current();
    await publish(other);
    // Both are in one pool. The existing file belongs to the newer snapshot.
    const [pool = "", newer = ""] = pools();
    const listing = at(`trees/${current()}/listing`);
    rmSync(at(pool), { recursive: true });
    execFileSync("mv", [at(newer), at(pool)]);
    execFileSync("sed", ["-i", `s#${newer}/#${pool}/#`, listing]);
    execFileSync("ln", ["-sfn", `../../../${pool}`, at(`trees/${current()}/public/pool`)]);
    const next = { ...other, "dists/noble/InRelease": "root 3", "pool/more.deb": "more" };
    // It shows the fault of the damaged one.
    await expect(publish(next)).rejects.toThrow("same_1.0.deb");
    expect([pools(), served("pool/more.deb"), served("pool/same_1.0.deb")]).toEqual([
      ["pool"],
      "more",
      "other",
    ]);
    const { lines } = await restore(first);
    expect(lines.filter((line) => line.startsWith("fault"))).toEqual([
      expect.stringMatching(/^fault pool\/same_1\.0\.deb: /),
    ]);
    expect(served("pool/same_1.0.deb")).toBe("other");
  });
});

test("a foreign directory is refused, even if it contains a directory with a pool's name", async () => {
  mkdirSync(at("pool-000001"), { recursive: true });
  writeFileSync(at("pool-000001/own.deb"), "own");
  const { code, lines } = await publish(one);
  expect([code, lines.at(-1)]).toEqual([
    65,
    expect.stringContaining("contains files that do not belong to a mirror (pool-000001)"),
  ]);
});
