import { describe, expect, test } from "@jest/globals";
import { ExplainedError } from "../../../../../errors/explained-error.ts";
import type { Disk } from "../../../../../resources/mirror/published-tree/disk.ts";
import {
  DiskSpace,
  type RequiredSpace,
  requiredSpace,
} from "../../../../../resources/mirror/published-tree/disk-space.ts";
import { type WorkItem, workListText } from "../../../../../resources/mirror/published-tree/work-list.ts";
import { digestOf } from "../../../../../values/digest.ts";

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ExplainedError) return error.message;
    throw error;
  }
  throw new Error("was not refused");
}

const mebibyte = 2 ** 20;

describe("the disk space for the updates of one run", () => {
  const disk = (bytes: number, inodes: number | undefined = 1000, id = "/dev/a"): Disk => ({
    id,
    mount: "/srv",
    bytes,
    inodes,
    block: 4096,
  });
  const need = (bytes: number, inodes = 1): RequiredSpace => ({ bytes, inodes });

  test("is refused only to an update with which the sum exceeds the free space", () => {
    const space = new DiskSpace();
    space.claim("h", disk(100), "/a", need(60));
    expect(refusal(() => space.claim("h", disk(100), "/b", need(60)))).toBe(
      "host h: checking the disk space for /b: the update needs 60 B and 1 inodes, with /a on the same file system 120 B and 2 inodes, and 100 B and 1000 inodes are free on /srv: 20 B too little\n" +
        "  What to do: Free space there (`df -h`, `df -i`), set directory to a larger file system, or reduce the mirror's content.",
    );
    space.claim("h", disk(100), "/c", need(40));
  });

  test("is counted separately for each host and each file system", () => {
    const space = new DiskSpace();
    space.claim("h", disk(100), "/a", need(60));
    space.claim("other", disk(100), "/b", need(60));
    space.claim("h", disk(100, 1000, "/dev/b"), "/c", need(60));
  });

  test("includes inodes when the file system counts them", () => {
    const space = new DiskSpace();
    space.claim("h", disk(100), "/a", need(1, 900));
    expect(refusal(() => space.claim("h", disk(100), "/b", need(1, 200)))).toContain("100 inodes too few");
    const boundless: Disk = { ...disk(100), inodes: undefined };
    new DiskSpace().claim("h", boundless, "/a", need(1, 1e9));
    expect(refusal(() => new DiskSpace().claim("h", boundless, "/a", need(101)))).toContain(
      "needs 101 B, and 100 B are free on /srv",
    );
  });

  test("includes a file of two updates once for one store, and twice for two stores", () => {
    const space = new DiskSpace();
    const bringing = (store: string, files: Record<string, number>): RequiredSpace => ({
      ...need(1),
      files: { store, bytes: new Map(Object.entries(files)) },
    });
    space.claim("h", disk(100), "/a", bringing("/store", { x: 50, y: 40 }));
    space.claim("h", disk(100), "/b", bringing("/store", { x: 50, z: 8 }));
    expect(refusal(() => space.claim("h", disk(100), "/c", bringing("/c/store", { x: 50 })))).toContain(
      "needs 51 B and 2 inodes, with /a, /b on the same file system 151 B and 7 inodes",
    );
  });

  test("is compared with the space that was free before the first update began", () => {
    const space = new DiskSpace();
    space.claim("h", disk(100), "/a", need(60));
    // The first update runs already and has used its part of the space.
    space.claim("h", disk(45), "/b", need(40));
  });

  test("is measured again when the program runs again in the same process", () => {
    const space = new DiskSpace();
    space.claim("h", disk(100), "/a", need(60));
    space.claim("h", disk(100), "/b", need(40));
    space.claim("h", disk(200), "/a", need(160));
    expect(refusal(() => space.claim("h", disk(200), "/b", need(41)))).toContain("200 B");
  });
});

test("an update needs blocks and inodes for files, for directories and for reprepro's reserve", () => {
  const item = (to: string, size: number): WorkItem => ({ sha256: digestOf(to), size, from: to, to });
  const before = workListText([
    item("pool/a/a.deb", 10),
    item("pool/a/other.deb", 11),
    item("package/pool/c/c.deb", 12),
    item("tree/dists/x/InRelease", 9),
  ]);
  const workList = workListText([
    item("pool/a/a.deb", 10),
    { ...item("pool/a/other.deb", 11), sha256: digestOf("other bytes") },
    item("package/pool/c/d.deb", 12),
    item("pool/b/b/b.deb", 5000),
    item("tree/dists/x/InRelease", 9),
  ]);
  const missing = new Map([
    ["a", 2 * 4096],
    ["b", 4096],
  ]);
  const store = "/store";
  const plain = requiredSpace({ store, workList, before }, missing);
  // pool/b, pool/b/b, tree, tree/dists and tree/dists/x.
  expect(plain.inodes).toBe(5 + 2 + 32);
  expect(plain.bytes).toBeGreaterThanOrEqual(5 * 4096);
  expect(plain.bytes).toBeLessThan(6 * 4096);
  expect(plain.files).toEqual({ store, bytes: missing });
  expect(requiredSpace({ store, workList, before, mirrorSigned: true }, missing).bytes - plain.bytes).toBe(
    101 * mebibyte,
  );
});
