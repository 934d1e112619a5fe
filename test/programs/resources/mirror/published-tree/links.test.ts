import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { restoreScript } from "../../../../../resources/mirror/images/scripts.ts";
import { observeScript } from "../../../../../resources/mirror/published-tree/scripts.ts";
import { type WorkItem, workListText } from "../../../../../resources/mirror/published-tree/work-list.ts";
import { digestOf } from "../../../../../values/digest.ts";
import { type SmallUpstream, smallUpstream } from "./job-on-this-machine.ts";
import { mayMount, SmallFileSystem } from "./small-file-system.ts";
import { faultsIn, SmallPublication } from "./small-publication.ts";

/*
 * A file system with a limit of 65,000 links to a file (ext4), and an archive with more files of one content than that.
 */

(mayMount ? describe : describe.skip).each(["apt", "image"] as const)(
  "a mirror of kind %s with more equal files than a file can have links",
  (kind) => {
    let upstream: SmallUpstream;
    let disk: SmallFileSystem;
    let mirror: SmallPublication;
    beforeAll(async () => {
      upstream = await smallUpstream();
    });
    afterAll(() => upstream.close());
    beforeEach(() => {
      disk = SmallFileSystem.ext4("64M");
      mirror = new SmallPublication(disk.directory, kind, upstream);
    });
    afterEach(() => disk.release());

    const same = digestOf("same");
    const kept = () => mirror.at(`store/${same.slice(0, 2)}/${same}`);
    function publish(index: string, number: number) {
      upstream.offer({ "streams/x": index, same: "same" });
      const names = Array.from({ length: number }, (_, n) => `pool/${n}.deb`);
      const items: WorkItem[] = names.map((path) => mirror.item(path, "same", { from: "same" }));
      // Only the tree that is published first has more than one.
      if (number > 1) items.push(mirror.item("dists/x/by-hash/SHA256/same", "same", { from: "same" }));
      return mirror.publishList(workListText([mirror.item("streams/x", index), ...items]));
    }
    const inTree = (tree: string) => mirror.at(kind === "apt" ? "m/pool" : `m/trees/${tree}/public/pool`);
    const inodesIn = (directory: string) =>
      new Set(readdirSync(directory).map((name) => statSync(join(directory, name)).ino));
    const faults = async () => (await mirror.run(observeScript(mirror.place))).lines.slice(5);

    /** Sets the number of links of the file in the store. */
    function leave(links: number): void {
      const filler = mirror.at(`filler-${statSync(kept()).ino}`);
      mkdirSync(filler);
      const fill = `my ($from, $to, $left) = @ARGV; my $n = 0; $n++ while link $from, "$to/$n"; $!{EMLINK} or die $!; unlink "$to/$_" for 1 .. $left`;
      execFileSync("perl", ["-e", fill, kept(), filler, String(links)]);
    }

    test("is published repeatedly, and its files are links up to the limit", async () => {
      expect((await publish("one", 1)).code).toBe(0);
      leave(10);
      for (const index of ["two", "three"]) {
        const { code, lines } = await publish(index, 30);
        expect([code, faultsIn(lines)]).toEqual([0, []]);
        expect([await faults(), mirror.served("streams/x")]).toEqual([["0"], index]);
      }
      const directory = inTree(mirror.current());
      expect([readdirSync(directory).length, inodesIn(directory).size <= 2]).toEqual([30, true]);
      expect(readdirSync(join(kept(), ".."))).toEqual([same]);
      expect(upstream.asked.filter((path) => path === "same")).toHaveLength(1);
    });

    test("keeps the files of the previous tree, and a kept tree is repaired", async () => {
      expect((await publish("one", 30)).code).toBe(0);
      const first = mirror.current();
      leave(0);
      expect((await publish("two", 1)).code).toBe(0);
      expect(readdirSync(inTree(mirror.current()))).toHaveLength(30);
      expect(mirror.served("dists/x/by-hash/SHA256/same")).toBe("same");
      if (kind === "apt") return;
      for (const n of [1, 2]) rmSync(join(inTree(first), `${n}.deb`));
      const restored = restoreScript({ ...mirror.place, keep: 2, plan: "", summary: "" }, first);
      const { code, lines } = await mirror.run(restored);
      expect([code, faultsIn(lines), await faults()]).toEqual([0, [], ["0"]]);
      expect(mirror.served("streams/x")).toBe("one");
    });
  },
);
