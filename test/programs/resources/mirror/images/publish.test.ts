import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { publishScript, restoreScript } from "../../../../../resources/mirror/images/scripts.ts";
import { observeScript } from "../../../../../resources/mirror/published-tree/scripts.ts";
import type { FetchSettings } from "../../../../../resources/mirror/published-tree/upstream-access.ts";
import { type WorkItem, workListText } from "../../../../../resources/mirror/published-tree/work-list.ts";
import { digestOf } from "../../../../../values/digest.ts";
import { startJob } from "../../../../host-on-this-machine.ts";
import { handOverTo, onThisMachine, type SmallUpstream } from "../published-tree/job-on-this-machine.ts";

let upstream: SmallUpstream;
let root: string;

onThisMachine("image-tree", (made) => {
  ({ root, upstream } = made);
});

const place = () => ({ owner: "m", directory: join(root, "m"), store: join(root, "store") });
const current = () => readlinkSync(join(root, "m/current")).replace("trees/", "");
const served = (path: string) => readFileSync(join(root, "m/current/public", path), "utf8");
const isServed = (path: string) => existsSync(join(root, "m/current/public", path));
const runScript = (script: string, input = "") => startJob(root, script, input).ended;
const faults = (lines: string[]) => lines.filter((line) => line.startsWith("fault"));

/** Publishes an uploaded index, and the files that it lists. */
function publication(
  index: string,
  files: Record<string, string | Buffer>,
  keep = 2,
  fetch: Partial<FetchSettings> = {},
): [string, string] {
  const item = (path: string, bytes: string | Buffer, from?: string): WorkItem => ({
    sha256: digestOf(bytes),
    size: Buffer.byteLength(bytes),
    from,
    to: `tree/${path}`,
  });
  handOverTo(join(root, "store"), index);
  const list = workListText([
    item("streams/v1/index.sjson", index),
    ...Object.entries(files).map(([path, bytes]) => item(path, bytes, path)),
  ]);
  const store = join(root, "store");
  const script = publishScript({
    ...place(),
    upstream: upstream.url,
    fetch: { parallel: 8, stallSeconds: 1, ...fetch },
    keep,
    plan: handOverTo(store, list),
    planText: handOverTo(store, list),
    summary: handOverTo(store, JSON.stringify({ plan: index })),
    contents: handOverTo(store, "{}"),
  });
  return [script, list];
}

async function publish(index: string, files: Record<string, string | Buffer>, keep?: number) {
  upstream.offer({ ...files });
  return runScript(...publication(index, files, keep));
}

async function faultsFound(): Promise<string[]> {
  const { lines } = await runScript(observeScript(place()));
  return lines.slice(5, -1);
}

const set = (serial: string) => ({
  [`noble/amd64/${serial}/squashfs`]: `squashfs ${serial}`,
  [`noble/amd64/${serial}/boot-kernel`]: `kernel ${serial}`,
  "bootloaders/uefi/amd64/1/shim.tar.xz": "shim",
});

describe("a tree of images", () => {
  test("has the uploaded index unchanged, and all files", async () => {
    expect((await publish("index 1", set("1"))).code).toBe(0);
    expect(served("streams/v1/index.sjson")).toBe("index 1");
    expect(served("noble/amd64/1/squashfs")).toBe("squashfs 1");
    expect(await faultsFound()).toEqual([]);
    expect(readdirSync(join(root, "m")).filter((name) => !name.startsWith("."))).toEqual([
      "current",
      "trees",
    ]);
  });

  test("carries the files of the previous index for MAAS, until the tree of that index is deleted", async () => {
    await publish("index 1", set("1"));
    upstream.asked.length = 0;
    await publish("index 2", set("2"));
    expect(upstream.asked).toHaveLength(2);
    expect([isServed("noble/amd64/1/squashfs"), isServed("noble/amd64/2/squashfs")]).toEqual([true, true]);
    expect(served("streams/v1/index.sjson")).toBe("index 2");
    await publish("index 3", set("3"));
    expect([1, 2, 3].map((serial) => isServed(`noble/amd64/${serial}/squashfs`))).toEqual([
      false,
      true,
      true,
    ]);
    expect(await faultsFound()).toEqual([]);
  });

  test("has no carried files if it is kept, but no longer published", async () => {
    await publish("index 1", set("1"));
    await publish("index 2", set("2"));
    const second = current();
    await publish("index 3", set("3"));
    const inSecond = (path: string) => existsSync(join(root, "m/trees", second, "public", path));
    expect([inSecond("noble/amd64/1"), inSecond("noble/amd64/2/squashfs")]).toEqual([false, true]);
    const restored = await runScript(restoreScript({ ...place(), keep: 2, plan: "", summary: "" }, second));
    expect([restored.code, current(), await faultsFound()]).toEqual([0, second, []]);
  });

  test("with one kept tree, the old files are deleted with the old tree", async () => {
    await publish("index 1", set("1"), 1);
    await publish("index 2", set("2"), 1);
    expect(isServed("noble/amd64/1/squashfs")).toBe(false);
    expect(readdirSync(join(root, "m/trees"))).toEqual([current()]);
  });

  test("the publication deletes old empty directories of the store, but no new ones", async () => {
    const [fresh, old] = [join(root, "store/00"), join(root, "store/01")];
    mkdirSync(fresh, { recursive: true });
    mkdirSync(old);
    utimesSync(old, 0, 0);
    expect((await publish("index 1", set("1"))).code).toBe(0);
    expect([existsSync(fresh), existsSync(old)]).toEqual([true, false]);
  });

  test("carries no damaged file, and a carried file that is missing later is reported", async () => {
    await publish("index 1", set("1"));
    writeFileSync(join(root, "m/current/public/noble/amd64/1/boot-kernel"), "KERNEL 1");
    utimesSync(join(root, "m/current/public/noble/amd64/1/boot-kernel"), 1, 1);
    await publish("index 2", set("2"));
    expect([isServed("noble/amd64/1/squashfs"), isServed("noble/amd64/1/boot-kernel")]).toEqual([
      true,
      false,
    ]);
    expect(await faultsFound()).toEqual([]);
    rmSync(join(root, "m/current/public/noble/amd64/1/squashfs"));
    expect(await faultsFound()).toEqual([`missing\ttrees/${current()}/public/noble/amd64/1/squashfs`]);
  });

  test.each([
    ["deleted", (path: string) => rmSync(path), "missing"],
    ["longer", (path: string) => appendFileSync(path, "more"), "size"],
    ["changed at the same length", (path: string) => writeFileSync(path, "SQUASHFS 1"), "content"],
  ])("a file that is %s is reported, and repaired by the next publication", async (_, harm, reason) => {
    await publish("index 1", set("1"));
    harm(join(root, "m/current/public/noble/amd64/1/squashfs"));
    expect(await faultsFound()).toEqual([`${reason}\ttrees/${current()}/public/noble/amd64/1/squashfs`]);
    expect((await publish("index 1", set("1"))).code).toBe(0);
    expect(served("noble/amd64/1/squashfs")).toBe("squashfs 1");
    expect(await faultsFound()).toEqual([]);
  });

  test("a damaged file is also repaired in the other trees that share it", async () => {
    await publish("index 1", set("1"));
    const first = current();
    await publish("index 2", set("2"));
    const shim = join(root, "m/current/public/bootloaders/uefi/amd64/1/shim.tar.xz");
    writeFileSync(shim, "SHIM");
    utimesSync(shim, 1, 1);
    await publish("index 2", set("2"), 3);
    expect((await runScript(restoreScript({ ...place(), keep: 2, plan: "", summary: "" }, first))).code).toBe(
      0,
    );
    expect([current(), served("bootloaders/uefi/amd64/1/shim.tar.xz")]).toEqual([first, "shim"]);
  });

  test("a file in the store that is in no published snapshot is verified before it is served", async () => {
    const files = set("1");
    const digest = digestOf("squashfs 1");
    handOverTo(join(root, "store"), "squashfs 1");
    writeFileSync(join(root, "store", digest.slice(0, 2), digest), Buffer.alloc(10));
    expect((await publish("index 1", files)).code).toBe(0);
    expect(served("noble/amd64/1/squashfs")).toBe("squashfs 1");
  });

  test("a wrong file upstream does not change the published tree", async () => {
    await publish("index 1", set("1"));
    const before = current();
    const [script, list] = publication("index 2", set("2"));
    upstream.offer({ ...set("2"), "noble/amd64/2/squashfs": "SQUASHFS 2" });
    const { code, lines } = await runScript(script, list);
    expect([code, current()]).toEqual([65, before]);
    expect(faults(lines)).toEqual([
      expect.stringMatching(/^fault noble\/amd64\/2\/squashfs: its SHA-256 is [0-9a-f]{64}, and the signed/),
    ]);
    expect(served("noble/amd64/1/squashfs")).toBe("squashfs 1");
  });

  test("a stalled transfer continues where it stopped, in the next job", async () => {
    const large = Buffer.alloc(9_000_000, "0123456789");
    const files = { "noble/amd64/1/squashfs": large };
    upstream.offer(files);
    upstream.misbehave = () => "stall";
    // curl checks the mean of five seconds, so this one stops in its first five seconds.
    const [impatient] = publication("index 1", files, 2, { slowestBytesPerSecond: 10_000_000 });
    const [script, list] = publication("index 1", files);
    const { code, lines } = await runScript(impatient, list);
    expect([code, faults(lines)]).toEqual([65, [expect.stringContaining("the server stalled")]]);
    upstream.misbehave = undefined;
    expect((await runScript(script, list)).code).toBe(0);
    // No byte was sent twice.
    expect(upstream.sent).toBe(large.length);
    expect(statSync(join(root, "m/current/public/noble/amd64/1/squashfs")).size).toBe(large.length);
  });

  test("a transfer with a broken connection continues where it stopped, in the same job", async () => {
    const large = Buffer.alloc(9_000_000, "0123456789");
    const files = { "noble/amd64/1/squashfs": large };
    upstream.misbehave = () => (upstream.asked.length === 1 ? "reset" : undefined);
    expect((await publish("index 1", files)).code).toBe(0);
    expect([upstream.asked.length, upstream.sent]).toEqual([2, large.length]);
  });

  test("a kept snapshot is served again only if it is complete", async () => {
    await publish("index 1", set("1"));
    const first = current();
    await publish("index 2", set("2"));
    const second = current();
    const restored = restoreScript({ ...place(), keep: 2, plan: "", summary: "" }, first);
    expect((await runScript(restored)).code).toBe(0);
    expect([current(), served("streams/v1/index.sjson")]).toEqual([first, "index 1"]);
    // Upstream is served again. MAAS may be reading either snapshot.
    await publish("index 3", set("3"));
    expect([1, 3].map((serial) => isServed(`noble/amd64/${serial}/squashfs`))).toEqual([true, true]);
    writeFileSync(join(root, "m/trees", second, "public/noble/amd64/2/squashfs"), "damaged");
    const broken = await runScript(restoreScript({ ...place(), keep: 2, plan: "", summary: "" }, second));
    expect([broken.code, faults(broken.lines)]).toEqual([
      65,
      [`fault trees/${second}/public/noble/amd64/2/squashfs: size`],
    ]);
  });
});
