import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { ExplainedError } from "../../../../../errors/explained-error.ts";
import { DiskSpace, requireDiskSpace } from "../../../../../resources/mirror/published-tree/disk-space.ts";
import { runJob } from "../../../../../resources/mirror/published-tree/job.ts";
import { type WorkItem, workListText } from "../../../../../resources/mirror/published-tree/work-list.ts";
import { HostOnThisMachine } from "../../../../host-on-this-machine.ts";
import { handOverTo, type SmallUpstream, scratchDirectory, smallUpstream } from "./job-on-this-machine.ts";
import { mayMount, SmallFileSystem } from "./small-file-system.ts";
import { SmallPublication } from "./small-publication.ts";

const mebibyte = 2 ** 20;

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((failure: unknown) => failure);
  if (error instanceof ExplainedError) return error.message;
  throw error ?? new Error("was not refused");
}

(mayMount ? describe : describe.skip)("on a small file system", () => {
  let upstream: SmallUpstream;
  let disk: SmallFileSystem;
  let mirror: SmallPublication;
  let scratch: string;
  beforeAll(async () => {
    upstream = await smallUpstream();
  });
  afterAll(() => upstream.close());
  beforeEach(() => {
    scratch = scratchDirectory("disk-space");
    disk = SmallFileSystem.tmpfs({ size: "8m", inodes: 200 });
    mirror = new SmallPublication(disk.directory, "image", upstream);
  });
  afterEach(() => {
    disk.release();
    rmSync(scratch, { recursive: true, force: true });
  });

  const file = (n: number, size: number) => Buffer.from(`${n} `.padEnd(size, "x"));
  function offer(number: number, size: number): WorkItem[] {
    upstream.offer(Object.fromEntries(Array.from({ length: number }, (_, n) => [`f/${n}`, file(n, size)])));
    return mirror.items();
  }
  const look = (
    items: readonly WorkItem[],
    space = new DiskSpace(),
    place: { directory: string; store: string } = mirror.place,
  ) =>
    requireDiskSpace(
      new HostOnThisMachine("mirror", scratch),
      { ...place, workList: workListText(items) },
      space,
    );

  test("the preview refuses more bytes than are free, and does not count files in the store", async () => {
    const items = offer(3, 3 * mebibyte);
    expect(await refusal(look(items))).toMatch(
      /^host mirror: checking the disk space for .*m: the update needs 9\.\d MiB and \d+ inodes, and 8\.0 MiB and \d+ inodes are free on .*mounted: 1\.\d MiB too little\n/,
    );
    handOverTo(mirror.place.store, file(0, 3 * mebibyte));
    handOverTo(mirror.place.store, file(1, 3 * mebibyte).subarray(1));
    disk.remount("size=16m");
    await look(items);
  });

  test("the preview does not count bytes that an interrupted update has fetched", async () => {
    const items = offer(1, 7 * mebibyte);
    const partial = mirror.at("m/work/partial");
    mkdirSync(partial, { recursive: true });
    writeFileSync(join(partial, items[0]?.sha256 ?? ""), file(0, 5 * mebibyte));
    await look(items);
    rmSync(partial, { recursive: true });
    writeFileSync(mirror.at("other"), file(0, 5 * mebibyte));
    expect(await refusal(look(items))).toContain("the update needs 7.0 MiB");
  });

  test("the preview refuses more inodes than are free", async () => {
    expect(await refusal(look(offer(180, 1)))).toMatch(
      / and (2|3)\d\d inodes, and .* and 1\d\d inodes are free/,
    );
  });

  test("the preview adds the needs of two mirrors, and counts files of a shared store once", async () => {
    const items = offer(2, 3 * mebibyte);
    const other = { directory: mirror.at("other"), store: mirror.at("other/store") };
    const space = new DiskSpace();
    const ends = await Promise.allSettled([look(items, space), look(items, space, other)]);
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const sharing = new DiskSpace();
    await look(items, sharing);
    await look(items, sharing, { ...other, store: mirror.place.store });
  });

  async function publishing(
    items: readonly WorkItem[],
    prepare = (script: string) => script,
  ): Promise<string> {
    const list = workListText(items);
    const script = prepare(mirror.script(list));
    const context = {
      id: "m",
      host: new HostOnThisMachine("mirror", scratch),
      progress: () => {},
      warn: () => {},
    };
    const texts = { step: "publishing a snapshot", remedy: "UPSTREAM", directory: mirror.place.directory };
    return refusal(runJob(context, script, texts, { input: Buffer.from(list) }));
  }
  const first = async () => {
    upstream.offer({ "f/0": "zero" });
    expect((await mirror.publish()).code).toBe(0);
  };
  const servedAsBefore = () => expect(mirror.served("f/0")).toBe("zero");

  test("the job refuses before it fetches a file if the disk has become too small", async () => {
    await first();
    const asked = upstream.asked.length;
    const full = await publishing(offer(3, 3 * mebibyte));
    expect(full).toMatch(
      /fetching\): disk: 9\.0 MiB must be fetched and 7\.\d MiB are free on the file system of/,
    );
    expect(full).toMatch(
      / MiB and \d+ inodes are free on .*The previous content is served unchanged\. Free space/s,
    );
    expect(full).not.toContain("UPSTREAM");
    expect(await publishing(offer(190, 1))).toMatch(
      /disk: 190 files must be fetched and 1\d\d inodes are free/,
    );
    expect(upstream.asked).toHaveLength(asked);
    servedAsBefore();
  });

  const filling = (where: string) => (script: string) => {
    const fill = `\nhead -c 20000000 /dev/zero >"$ROOT/../filler" || true\n`;
    expect(script).toContain(where);
    return script.replace(where, () => `${fill}${where}`);
  };

  test.each([
    ["a file is fetched", '  fetch_pass "$WORK/missing"\n', /fetching/],
    ["the tree is assembled", "\nmake_tree\n", /assembling the snapshot/],
    ["the listing is written", '\n  write_listing "$ROOT', /assembling the snapshot/],
  ])("a disk full before %s is reported as full, with its free space", async (_, where, step) => {
    await first();
    const message = await publishing(offer(3, 1000), filling(where));
    expect(message).toMatch(step);
    expect(message).toMatch(/No space left on device/);
    expect(message).toMatch(/0 B and \d+ inodes are free on .*mounted, where .*m is/);
    expect(message).toMatch(/The previous content is served unchanged\. Free space on that file system/);
    servedAsBefore();
  });

  test("a disk without free inodes is reported as full", async () => {
    await first();
    const items = offer(3, 1000);
    const message = await publishing(items, (script) =>
      script.replace(
        "\nmake_tree\n",
        `\nmkdir "$ROOT/../filler"; n=0; while mkdir "$ROOT/../filler/$n" 2>/dev/null; do n=$((n + 1)); done\nmake_tree\n`,
      ),
    );
    expect(message).toMatch(/No space left on device.* MiB and 0 inodes are free on/s);
    servedAsBefore();
  });

  test("a disk that is mounted read-only is reported as read-only", async () => {
    await first();
    const message = await publishing(mirror.items(), (script) => {
      disk.remount("ro");
      return script;
    });
    expect(message).toMatch(/Read-only file system.*See why the file system is read-only/s);
    servedAsBefore();
  });

  test.each([
    [
      "a failed command",
      "\nmake_tree\n",
      "\n(echo out of order; exit 3)\n",
      /a command failed \(the job's exit status is 3\) while assembling the snapshot:\n {4}out of order/,
    ],
    [
      "a killed job",
      "\nmake_tree\n",
      "\nkill -KILL $$\n",
      /signal 9 ended the job while assembling the snapshot, without output/,
    ],
    [
      "a failure after the switch to the new snapshot",
      "\nprune\n",
      "\necho stuck; exit 4\n",
      /while removing unused files:\n {4}stuck\n.*0{5}2-[0-9a-f]{12} is published and complete; only the cleanup was not finished\. Run/s,
    ],
  ])("%s is reported with its step and last output", async (_, where, instead, expected) => {
    await first();
    const message = await publishing(offer(3, 1000), (script) => {
      expect(script).toContain(where);
      return script.replace(where, () => instead);
    });
    expect(message).toMatch(expected);
    expect(message).not.toContain("UPSTREAM");
  });

  test("an error of upstream is reported with the remedy for upstream", async () => {
    await first();
    const items = offer(1, 10);
    upstream.files.clear();
    expect(await publishing(items)).toMatch(/f\/0: the server answered 404\n.*served unchanged\. UPSTREAM/s);
  });
});
