import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { restoreScript as restoreAptScript } from "../../../../../resources/mirror/apt/scripts.ts";
import { restoreScript } from "../../../../../resources/mirror/images/scripts.ts";
import {
  disownScript,
  observeScript,
  removeScript,
} from "../../../../../resources/mirror/published-tree/scripts.ts";
import { workListText } from "../../../../../resources/mirror/published-tree/work-list.ts";
import { digestOf } from "../../../../../values/digest.ts";
import { handOverTo, type SmallUpstream, scratchDirectory, smallUpstream } from "./job-on-this-machine.ts";
import { faultsIn, SmallPublication } from "./small-publication.ts";

/*
 * Wrong work lists and wrong files in the mirror's directories, which the scripts on a host must refuse.
 */

let upstream: SmallUpstream;
let root: string;

beforeAll(async () => {
  upstream = await smallUpstream();
});
afterAll(() => upstream.close());
beforeEach(() => {
  root = scratchDirectory("guard");
  upstream.reset();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** All files below a directory, with contents and kinds, to check that nothing changed. */
function picture(directory: string): Record<string, string> {
  const seen: Record<string, string> = {};
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    const path = join(directory, name);
    const found = lstatSync(path);
    seen[name] = found.isFile() ? readFileSync(path, "utf8") : found.isSymbolicLink() ? "link" : "directory";
  }
  return seen;
}

const a = digestOf("a");
const line = (to: string, { sha = a, size = "1", from = "x" } = {}) => `${sha}\t${size}\t${from}\t${to}\n`;

describe.each(["apt", "image"] as const)("a work list for a mirror of kind %s", (kind) => {
  const lists: [string, string, RegExp][] = [
    ["a destination above the tree", line("tree/../../../outside/x"), /outside of the mirror's directories/],
    [
      "a destination above the mirror in its last part",
      line("tree/x/.."),
      /outside of the mirror's directories/,
    ],
    ["a destination in an unknown directory", line("etc/x"), /outside of the mirror's directories/],
    ["an absolute destination", line("/etc/x"), /outside of the mirror's directories/],
    ["a destination that is only a known directory", line("tree"), /outside of the mirror's directories/],
    ["an empty path component", line("tree//x"), /outside of the mirror's directories/],
    ["a path component that is a dot", line("tree/./x"), /outside of the mirror's directories/],
    ["a slash at the end", line("tree/x/"), /outside of the mirror's directories/],
    ["a name that is too long", line(`tree/${"n".repeat(256)}`), /outside of the mirror's directories/],
    ["a path that is too long", line(`tree/${"n/".repeat(600)}x`), /outside of the mirror's directories/],
    ["a carriage return", line("tree/x\r"), /outside of the mirror's directories/],
    ["a NUL", line("tree/x\0y"), /outside of the mirror's directories/],
    ["a blank", line("tree/x y"), /outside of the mirror's directories/],
    ["a backslash", line("tree/x\\ny"), /outside of the mirror's directories/],
    ["a source above upstream", line("tree/x", { from: "../x" }), /not a valid path below upstream/],
    ["an absolute source", line("tree/x", { from: "/etc/passwd" }), /not a valid path below upstream/],
    [
      "a source with a control character",
      line("tree/x", { from: "x\x7f" }),
      /not a valid path below upstream/,
    ],
    ["a fifth field", `${line("tree/x").trimEnd()}\ty\n`, /does not have four fields/],
    ["three fields", `${a}\t1\tx\n`, /does not have four fields/],
    ["no line end after its last line", line("tree/x").trimEnd(), /does not have four fields/],
    ["a digest with a path in it", line("tree/x", { sha: `../../${a.slice(6)}` }), /is not a valid SHA-256/],
    ["a digest in capitals", line("tree/x", { sha: a.toUpperCase() }), /is not a valid SHA-256/],
    ["a short digest", line("tree/x", { sha: a.slice(1) }), /is not a valid SHA-256/],
    ["a long digest", line("tree/x", { sha: `${a}0` }), /is not a valid SHA-256/],
    ["a negative size", line("tree/x", { size: "-1" }), /is not a valid size/],
    ["a size that is a shell expression", line("tree/x", { size: "a[$(id)]" }), /is not a valid size/],
    ["an empty size", line("tree/x", { size: "" }), /is not a valid size/],
    ["two sizes of one digest", line("tree/x") + line("tree/y", { size: "2" }), /has 2 bytes here, but 1/],
    ["two contents of one path", line("tree/x") + line("tree/x", { sha: digestOf("b") }), /two contents/],
    [
      "a path that is both a file and a directory",
      line("tree/x") + line("tree/x/y"),
      /tree\/x is both a file and a dir/,
    ],
    ["a wrong line after valid lines", line("tree/x") + line("tree/y") + line("../z"), /line 3: /],
  ];

  let mirror: SmallPublication;
  beforeAll(async () => {
    mirror = new SmallPublication(scratchDirectory("guard"), kind, upstream);
    upstream.offer({ "dists/x/InRelease": "one", "pool/x.deb": "deb" });
    expect((await mirror.publish()).code).toBe(0);
  });
  afterAll(() => rmSync(mirror.root, { recursive: true, force: true }));

  test.each(lists)("with %s is refused before any change", async (_, list, expected) => {
    const script = mirror.script(list);
    writeFileSync(mirror.at("job-input"), list);
    const before = picture(mirror.root);
    const { code, lines } = await mirror.run(script, list);
    expect({ code, faults: faultsIn(lines) }).toEqual({
      code: 65,
      faults: [expect.stringMatching(expected)],
    });
    expect(picture(mirror.root)).toEqual(before);
    expect(upstream.asked).toEqual([]);
  });
});

test.each([
  ["plan", "../../../outside"],
  ["planText", "../../../outside"],
  ["summary", `${"0".repeat(63)}/`],
  ["contents", "$(touch outside/x)"],
  ["keep", "2; touch outside/x"],
  ["fetch", { parallel: "", stallSeconds: 1 }],
  ["fetch", { parallel: 1, stallSeconds: 1, slowestBytesPerSecond: "1; touch outside/x" }],
  ["fetch", { parallel: 1, stallSeconds: 1, proxy: 'http://p"\noutput = "/outside/x' }],
])("the setting %s is refused with the value %j", async (name, value) => {
  const mirror = new SmallPublication(root, "image", upstream);
  const { code, lines } = await mirror.run(mirror.script("", { [name]: value }));
  expect([code, faultsIn(lines)]).toEqual([65, [expect.stringContaining("fault the job's settings: ")]]);
});

test.each(["../../outside", "000001-aaaaaaaaaaaa/../..", ".", "unfinished"])(
  "%s is refused as the name of a kept snapshot",
  async (name) => {
    const mirror = new SmallPublication(root, "image", upstream);
    const { code, lines } = await mirror.run(
      restoreScript({ ...mirror.place, keep: 2, plan: "", summary: "" }, name),
    );
    expect([code, faultsIn(lines)]).toEqual([65, [expect.stringContaining("not a name of a kept snapshot")]]);
  },
);

describe.each(["apt", "image"] as const)("a symbolic link in a mirror of kind %s", (kind) => {
  let mirror: SmallPublication;
  let outside: string;
  beforeEach(async () => {
    mirror = new SmallPublication(root, kind, upstream);
    outside = mirror.at("outside");
    mkdirSync(join(outside, "deep"), { recursive: true });
    writeFileSync(join(outside, "kept"), "kept");
    writeFileSync(join(outside, "deep/kept"), "kept");
    upstream.offer({ "dists/x/InRelease": "one", "pool/main/x.deb": "deb" });
    expect((await mirror.publish()).code).toBe(0);
    upstream.offer({ "dists/x/InRelease": "two", "pool/main/x.deb": "deb", "pool/main/y.deb": "deb y" });
  });

  const inStore = `store/${digestOf("deb y").slice(0, 2)}`;
  const places = [
    "m/work",
    "m/work/tree",
    "m/work/partial",
    "m/trees",
    "m/trees/unfinished",
    "m/trees/CURRENT/public",
    "m/pool",
    "m/.lock",
    "m/.owner",
    "m/.unfinished",
    "m/current.new",
    inStore,
    "store/.lock",
    "store",
    ...(kind === "apt" ? ["m/pool/main", "m/pool/main/z", "m/reprepro"] : []),
  ];

  test.each(places)("at %s is reported and not followed", async (place) => {
    const list = mirror.items();
    const script = mirror.script(workListText(list));
    const at = mirror.at(place.replace("CURRENT", mirror.current()));
    const file = /\.(lock|owner|unfinished)$/.test(place);
    mkdirSync(join(at, ".."), { recursive: true });
    if (existsSync(at)) renameSync(at, `${root}/moved`);
    symlinkSync(file ? join(outside, "kept") : outside, at);
    const before = picture(outside);
    const text = workListText(list);
    const { code, lines } = await mirror.run(script, text);
    expect(code).toBe(65);
    expect(faultsIn(lines)).toEqual([
      `fault ${at}: is a symbolic link to ${file ? join(outside, "kept") : outside}, and nothing is written or removed through one: put a directory or file in its place`,
    ]);
    expect(picture(outside)).toEqual(before);
    // The script that removes a mirror does not follow links either.
    expect(lines.join("\n")).not.toMatch(/^published /m);
    for (const ending of [disownScript(mirror.place), removeScript(mirror.place)]) await mirror.run(ending);
    expect(picture(outside)).toEqual(before);
  });
});

describe.each(["apt", "image"] as const)("damaged records of a kept snapshot of kind %s", (kind) => {
  let mirror: SmallPublication;
  let outside: string;
  beforeEach(async () => {
    mirror = new SmallPublication(root, kind, upstream);
    outside = mirror.at("outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "kept"), "kept");
    upstream.offer({ "streams/x": "one", "pool/x.deb": "deb", "dists/x/by-hash/SHA256/1": "1" });
    expect((await mirror.publish()).code).toBe(0);
    upstream.offer({ "streams/x": "two", "pool/y.deb": "deb y", "dists/x/by-hash/SHA256/2": "2" });
  });

  const kept = digestOf("kept");
  const hostile = (path: string, sha = kept, size = 4) => `${sha}\t${size}\t1\t${path}\n`;

  const mangled: readonly [string, string][] = [
    ["a file outside", hostile("../outside/kept")],
    ["a file outside below its own tree", hostile("trees/CURRENT/public/../../../../outside/kept")],
    ["a file outside below the pool", hostile("pool/../../outside/kept")],
    ["a file to be missed outside", hostile("pool/../../outside/new", digestOf("deb y"), 5)],
    ["an absolute path", hostile("/etc/hostname")],
    ["a device that never ends", hostile("../../../dev/zero", kept, 0)],
    ["a file of another tree", hostile("trees/000009-aaaaaaaaaaaa/public/x")],
    ["its own description", hostile("trees/CURRENT/summary.json")],
    ["the store", hostile("store/00/x")],
    ["a digest that is a path", hostile("pool/x.deb", "../../outside/kept")],
    ["no fields", "\n"],
    ["half a line", "00000"],
  ];

  test("change no file outside, are reported as unreadable, and are replaced by the next updates", async () => {
    const tree = mirror.at(`m/trees/${mirror.current()}`);
    for (const [, line] of mangled)
      appendFileSync(join(tree, "listing"), line.replace("CURRENT", mirror.current()));
    appendFileSync(join(tree, "carried"), `${kept}\t../../../../outside/kept\n../../../../outside/kept\n`);
    const { lines } = await mirror.run(observeScript(mirror.place));
    expect(lines.slice(5)).toEqual([
      ...Array.from({ length: 5 }, (_, n) => `unreadable\tlisting, line ${4 + n}`),
      String(mangled.length),
    ]);
    for (let round = 0; round < 2; round++) expect((await mirror.publish()).code).toBe(0);
    expect(picture(outside)).toEqual({ kept: "kept" });
    expect(mirror.served("streams/x")).toBe("two");
    const after = await mirror.run(observeScript(mirror.place));
    expect(after.lines.slice(5)).toEqual(["0"]);
  });

  test("prevent the kept snapshot from being served again", async () => {
    const tree = mirror.current();
    expect((await mirror.publish()).code).toBe(0);
    const served = mirror.current();
    appendFileSync(
      mirror.at(`m/trees/${tree}/listing`),
      hostile("pool/../../outside/new", digestOf("deb y"), 5),
    );
    const script =
      kind === "apt"
        ? restoreAptScript({ ...mirror.place, signing: "upstream", keep: 2, plan: "", summary: "" }, tree)
        : restoreScript({ ...mirror.place, keep: 2, plan: "", summary: "" }, tree);
    const { code, lines } = await mirror.run(script);
    expect([code, faultsIn(lines)]).toEqual([
      65,
      [expect.stringMatching(/^fault listing, line \d: unreadable$/)],
    ]);
    expect([mirror.current(), readdirSync(outside)]).toEqual([served, ["kept"]]);
  });

  test("a missing listing is reported as missing", async () => {
    rmSync(mirror.at(`m/trees/${mirror.current()}/listing`));
    const { lines } = await mirror.run(observeScript(mirror.place));
    expect(lines.slice(5)).toEqual(["missing\tlisting", "1"]);
  });

  test("a directory in trees/ that is not a snapshot is not pruned", async () => {
    mkdirSync(mirror.at("m/trees/2026-backup"));
    for (let round = 0; round < 3; round++) expect((await mirror.publish()).code).toBe(0);
    expect(existsSync(mirror.at("m/trees/2026-backup"))).toBe(true);
  });
});

describe.each(["apt", "image"] as const)(
  "a size that does not match the digest, in a mirror of kind %s",
  (kind) => {
    let mirror: SmallPublication;
    beforeEach(async () => {
      mirror = new SmallPublication(root, kind, upstream);
      upstream.offer({ "streams/x": "one" });
      expect((await mirror.publish()).code).toBe(0);
      upstream.offer({ "streams/x": "two", "pool/x.deb": "deb x" });
    });

    async function refused(size: number, from: string | undefined, expected: RegExp) {
      const list = workListText([
        mirror.item("streams/x", "two"),
        mirror.item("pool/x.deb", "deb x", { size, from }),
      ]);
      const { code, lines } = await mirror.publishList(list);
      expect([code, faultsIn(lines)]).toEqual([65, [expect.stringMatching(expected)]]);
      expect([mirror.served("streams/x"), existsSync(mirror.at("m/pool/x.deb"))]).toEqual(["one", false]);
    }

    test.each([0, 4, 7])("is refused when the file is fetched: %d bytes", async (size) => {
      await refused(
        size,
        "pool/x.deb",
        new RegExp(`^fault pool/x.deb: (has the SHA-256 .* 5 bytes instead of ${size}|is larger than)`),
      );
    });

    test.each([
      ["a file to fetch", "pool/x.deb"],
      ["an uploaded file", undefined],
    ])("is refused when the store has the file: %s", async (_, from) => {
      handOverTo(mirror.place.store, "deb x");
      await refused(7, from, /x\.deb: must have 7 bytes, but the file with its SHA-256 has 5$/);
      expect(upstream.asked).not.toContain("pool/x.deb");
    });
  },
);
