import {
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
import { beforeEach, describe, expect, test } from "@jest/globals";
import { publishScript, restoreScript } from "../../../../../resources/mirror/apt/scripts.ts";
import { baseSummary, publishedTree } from "../../../../../resources/mirror/published-tree/published.ts";
import {
  disownScript,
  observeScript,
  removeScript,
} from "../../../../../resources/mirror/published-tree/scripts.ts";
import { type WorkItem, workListText } from "../../../../../resources/mirror/published-tree/work-list.ts";
import { digestOf } from "../../../../../values/digest.ts";
import { startJob } from "../../../../host-on-this-machine.ts";
import { handOverTo, onThisMachine, type SmallUpstream } from "../published-tree/job-on-this-machine.ts";

/*
 * The jobs that publish a tree, run with this machine's sh, curl and perl in the test's directories, with a web server that
 * can return wrong answers.
 */

let upstream: SmallUpstream;
let root: string;

onThisMachine("apt-tree", (made) => {
  ({ root, upstream } = made);
});

const runScript = (script: string, input = "") => startJob(root, script, input);

const place = (name = "m") => ({ owner: name, directory: join(root, name), store: join(root, "store") });
const visible = (directory: string) =>
  readdirSync(directory)
    .filter((name) => !name.startsWith("."))
    .sort();
const published = (name = "m") => readlinkSync(join(root, name, "current")).replace("trees/", "");
const served = (path: string, name = "m") => readFileSync(join(root, name, "current/public", path), "utf8");

const uploadTexts = (text: string) => handOverTo(join(root, "store"), text);

interface Asked {
  readonly name?: string;
  readonly keep?: number;
  /** The plan's data, if they differ from upstream's. */
  readonly planned?: Record<string, string>;
}

/** Publishes upstream's files: all files below dists/ and pool/. */
function publication({ name = "m", keep = 2, planned = {} }: Asked = {}): [string, string] {
  const all = new Map([
    ...upstream.files,
    ...Object.entries(planned).map(([path, text]) => [path, Buffer.from(text)] as const),
  ]);
  const items: WorkItem[] = [...all].map(([path, bytes]) => ({
    sha256: digestOf(bytes),
    size: bytes.length,
    from: path,
    to: path.startsWith("pool/") ? path : `tree/${path}`,
  }));
  const script = publishScript({
    ...place(name),
    signing: "upstream",
    upstream: upstream.url,
    fetch: { parallel: 8, stallSeconds: 1 },
    keep,
    plan: uploadTexts(workListText(items)),
    planText: uploadTexts(workListText(items)),
    summary: uploadTexts(JSON.stringify({ signing: "upstream", plan: "p" })),
    contents: uploadTexts("{}"),
  });
  return [script, workListText(items)];
}

const publish = (asked?: Asked) => runScript(...publication(asked)).ended;

const offer = (files: Record<string, string>) => upstream.offer(files);

const good = {
  "dists/noble/InRelease": "root 1",
  "dists/noble/by-hash/SHA256/aa": "index 1",
  "pool/a+b~1.deb": "deb 1",
};

async function faultsOf(name = "m"): Promise<string[]> {
  const { lines } = await runScript(observeScript(place(name))).ended;
  return lines.slice(5, -1);
}

describe("publishing", () => {
  test("planned files are fetched once, verified, and served completely", async () => {
    offer(good);
    const { code, lines } = await publish();
    expect({ code, last: lines.at(-1) }).toEqual({ code: 0, last: `published ${published()}` });
    expect(served("dists/noble/InRelease")).toBe("root 1");
    expect(served("pool/a+b~1.deb")).toBe("deb 1");
    expect([...upstream.asked].sort()).toEqual(Object.keys(good).sort());
    expect(await faultsOf()).toEqual([]);
    expect(visible(join(root, "m"))).toEqual(["current", "pool", "trees"]);
  });

  test("the next plan fetches only its new files", async () => {
    offer(good);
    await publish();
    upstream.asked.length = 0;
    offer({ ...good, "dists/noble/InRelease": "root 2", "pool/c.deb": "deb c" });
    expect((await publish()).code).toBe(0);
    expect([...upstream.asked].sort()).toEqual(["dists/noble/InRelease", "pool/c.deb"]);
  });

  test("clients in the middle of apt update find the previous indices and packages until pruning", async () => {
    offer(good);
    await publish();
    offer({
      "dists/noble/InRelease": "root 2",
      "dists/noble/by-hash/SHA256/bb": "index 2",
      "pool/c.deb": "deb c",
    });
    await publish();
    expect(served("dists/noble/by-hash/SHA256/aa")).toBe("index 1");
    expect(served("pool/a+b~1.deb")).toBe("deb 1");
    await publish();
    expect(() => served("dists/noble/by-hash/SHA256/aa")).toThrow("ENOENT");
    expect(() => served("pool/a+b~1.deb")).toThrow("ENOENT");
    expect(readdirSync(join(root, "m/trees"))).toHaveLength(2);
  });

  test("each publication gives the Release file a different second as its time", async () => {
    offer(good);
    const seconds: number[] = [];
    for (const text of ["root 1", "root 2", "root 3"]) {
      offer({ ...good, "dists/noble/InRelease": text });
      await publish({ keep: 5 });
      seconds.push(Math.floor(statSync(join(root, "m/current/public/dists/noble/InRelease")).mtimeMs / 1000));
    }
    expect(new Set(seconds).size).toBe(3);
  });
});

describe("an upstream that differs from its index", () => {
  const planned = { "pool/a+b~1.deb": "deb 1" };

  async function refused(expected: RegExp): Promise<void> {
    const before = published();
    const { code, lines } = await publish({ planned });
    expect({ code, faults: lines.filter((line) => line.startsWith("fault")) }).toEqual({
      code: 65,
      faults: [expect.stringMatching(expected)],
    });
    expect(published()).toBe(before);
    expect(await faultsOf()).toEqual([]);
  }

  beforeEach(async () => {
    offer({ "dists/noble/InRelease": "root 0" });
    await publish();
  });

  test.each([
    [
      "has other bytes",
      { "pool/a+b~1.deb": "DEB 1" },
      /^fault pool\/a\+b~1\.deb: its SHA-256 is [0-9a-f]{64}, and the signed index says/,
    ],
    ["is shorter", { "pool/a+b~1.deb": "deb" }, /^fault pool\/a\+b~1\.deb: is truncated: 3 of 5 bytes$/],
    [
      "is longer",
      { "pool/a+b~1.deb": "deb 1 and more" },
      /^fault pool\/a\+b~1\.deb: is larger than the 5 bytes/,
    ],
  ])("a file that %s is refused and named", async (_, files, expected) => {
    upstream.offer(files);
    const [script, list] = publication({ planned: { "pool/a+b~1.deb": "deb 1" } });
    const { code, lines } = await runScript(script, list).ended;
    expect(code).toBe(65);
    expect(lines.filter((line) => line.startsWith("fault"))).toEqual([expect.stringMatching(expected)]);
    expect(served("dists/noble/InRelease")).toBe("root 0");
  });

  test("a missing file is refused and named", async () => {
    upstream.files.clear();
    await refused(/^fault pool\/a\+b~1\.deb: the server answered 404$/);
  });

  test.each([
    ["stall", /^fault pool\/a\+b~1\.deb: the server stalled: less than 500 bytes a second came for 1 s/],
    [
      "reset",
      /^fault pool\/a\+b~1\.deb: .*(reset|Recv failure|transfer closed|closed).*bytes are there\), 4 times$/i,
    ],
    ["endless", /^fault pool\/a\+b~1\.deb: is larger than the 5 bytes that the signed index says$/],
  ] as const)(
    "a server fault of the type %s is named, and the update ends",
    async (how, expected) => {
      upstream.misbehave = () => how;
      offer({ "pool/a+b~1.deb": "deb 1" });
      await refused(expected);
    },
    60_000,
  );

  test("valid files stay after a failed update, and are not fetched again", async () => {
    offer({ "pool/good.deb": "good" });
    await publish({ planned });
    upstream.asked.length = 0;
    offer({ "pool/good.deb": "good", ...planned });
    expect((await publish()).code).toBe(0);
    expect(upstream.asked).toEqual(["pool/a+b~1.deb"]);
  });
});

describe("a published snapshot that was changed by hand", () => {
  beforeEach(async () => {
    offer(good);
    await publish();
  });
  const pool = () => join(root, "m/pool/a+b~1.deb");

  test.each([
    ["missing", () => rmSync(pool()), "missing\tpool/a+b~1.deb"],
    ["longer", () => writeFileSync(pool(), "deb 1 longer"), "size\tpool/a+b~1.deb"],
    ["changed at the same length", () => writeFileSync(pool(), "DEB 1"), "content\tpool/a+b~1.deb"],
  ])("with a file that is %s is reported, and repaired by the next publication", async (_, tamper, fault) => {
    tamper();
    expect(await faultsOf()).toEqual([fault]);
    expect((await publish()).code).toBe(0);
    expect(served("pool/a+b~1.deb")).toBe("deb 1");
    expect(await faultsOf()).toEqual([]);
  });

  test("with only a different file time has no fault", async () => {
    utimesSync(pool(), 1, 1);
    expect(await faultsOf()).toEqual([]);
  });

  test("with a missing index is reported, and the index is named", async () => {
    rmSync(join(root, "m/current/public/dists/noble/InRelease"));
    expect(await faultsOf()).toEqual([`missing\ttrees/${published()}/public/dists/noble/InRelease`]);
  });
});

describe("an update that is interrupted after its tree is served", () => {
  const status = async () => {
    const probe = publishedTree({ name: "mirror" }, place().directory, baseSummary);
    return probe.parse((await runScript(probe.script).ended).lines.join("\n"))?.status;
  };

  test("is reported as interrupted, and the next update deletes its remains", async () => {
    offer(good);
    await publish({ keep: 1 });
    offer({ ...good, "dists/noble/InRelease": "root 2" });
    const [script, list] = publication({ keep: 1 });
    const cutOff = script.replace("\nprune\n", "\nkill -KILL $$\n");
    expect(cutOff).not.toBe(script);
    expect((await runScript(cutOff, list).ended).code).not.toBe(0);
    expect(served("dists/noble/InRelease")).toBe("root 2");
    expect(visible(join(root, "m"))).toContain("work");
    expect(await status()).toEqual({ integrity: "an update was interrupted before its cleanup" });
    expect((await publish({ keep: 1 })).code).toBe(0);
    expect(visible(join(root, "m"))).toEqual(["current", "pool", "trees"]);
    expect(readdirSync(join(root, "m/trees"))).toHaveLength(1);
    expect(await status()).toEqual({});
  });

  test("is not reported as interrupted while it still runs", async () => {
    offer(good);
    await publish();
    writeFileSync(join(root, "m/.unfinished"), "");
    expect(await status()).not.toEqual({});
    const other = `exec 7>"${join(root, "m/.lock")}"; flock 7`;
    const { script, parse } = publishedTree({ name: "mirror" }, place().directory, baseSummary);
    const { lines } = await runScript(`${other}\n${script}`).ended;
    expect(parse(lines.join("\n"))?.status).toEqual({});
  });
});

describe("a directory with other files", () => {
  const theirs = () => join(root, "m/photos/one.jpeg");
  const put = () => {
    mkdirSync(join(root, "m/photos"), { recursive: true });
    writeFileSync(theirs(), "one");
  };

  test("is refused, and neither an update nor a removal changes it", async () => {
    put();
    mkdirSync(join(root, "m/pool"));
    writeFileSync(join(root, "m/pool/own.deb"), "own");
    offer(good);
    const { code, lines } = await publish();
    expect(code).toBe(65);
    expect(lines.at(-1)).toMatch(
      /m: contains files that do not belong to a mirror \(photos pool\), which an update would remove/,
    );
    expect((await runScript(removeScript(place())).ended).code).toBe(0);
    expect((await runScript(disownScript(place())).ended).code).toBe(0);
    expect([readFileSync(theirs(), "utf8"), readFileSync(join(root, "m/pool/own.deb"), "utf8")]).toEqual([
      "one",
      "own",
    ]);
  });

  test.each([
    ["a foreign store", "m/store/photos", "store"],
    ["a foreign database of reprepro", "m/reprepro/db", "reprepro"],
    ["a manual configuration of reprepro", "m/reprepro/conf", "reprepro"],
    ["a name similar to one of the mirror's names", "m/block", "block"],
  ])("is refused for %s", async (_, path, named) => {
    mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, path, "distributions"), "Codename: ours\n");
    offer(good);
    const { code, lines } = await publish();
    expect([code, lines.at(-1)]).toEqual([
      65,
      expect.stringContaining(`contains files that do not belong to a mirror (${named})`),
    ]);
  });

  test("is accepted if only the file system and this project made the other files", async () => {
    mkdirSync(join(root, "m/lost+found"), { recursive: true });
    mkdirSync(join(root, "m/reprepro/conf"), { recursive: true });
    writeFileSync(join(root, "m/reprepro/conf/options"), "# Written by airgapped-maas.\n");
    offer(good);
    expect((await publish()).code).toBe(0);
  });

  test("keeps the other files if the mirror is removed", async () => {
    offer(good);
    await publish();
    put();
    expect((await publish()).code).toBe(0);
    expect((await runScript(removeScript(place())).ended).code).toBe(0);
    expect(visible(join(root, "m"))).toEqual(["photos"]);
    expect(readFileSync(theirs(), "utf8")).toBe("one");
  });

  test.each([
    ["had published a snapshot", true],
    ["had published nothing", false],
  ])("is accepted if it is left from a mirror that %s", async (_, whole) => {
    offer(whole ? good : {});
    expect((await publish(whole ? {} : { planned: { "pool/a.deb": "a" } })).code).toBe(whole ? 0 : 65);
    expect((await runScript(disownScript(place())).ended).code).toBe(0);
    offer(good);
    expect((await publish()).code).toBe(0);
    expect(await faultsOf()).toEqual([]);
  });
});

describe("several jobs and mirrors", () => {
  test("a second update of a mirror waits for the first, and both are complete", async () => {
    offer(good);
    const ended = await Promise.all([publish(), publish()]);
    expect(ended.map(({ code }) => code)).toEqual([0, 0]);
    expect(await faultsOf()).toEqual([]);
    expect(readdirSync(join(root, "m/trees"))).toHaveLength(2);
  });

  test("the remains of killed jobs do not disturb the next job", async () => {
    offer({
      ...good,
      ...Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`pool/${i}.deb`, `${i}`.repeat(9000)])),
    });
    for (const delay of [0, 20, 40, 60, 90, 130]) {
      const job = runScript(...publication());
      await Promise.race([job.ended, new Promise((resolve) => setTimeout(resolve, delay))]);
      try {
        job.kill();
      } catch {
        // The job was faster.
      }
      await job.ended;
    }
    expect((await publish()).code).toBe(0);
    expect(await faultsOf()).toEqual([]);
    expect(visible(join(root, "m"))).toEqual(["current", "pool", "trees"]);
  });

  test("mirrors share equal files, and the removal of one does not damage the other", async () => {
    offer(good);
    await publish({ name: "m" });
    upstream.asked.length = 0;
    await publish({ name: "other" });
    expect(upstream.asked).toEqual([]);
    expect((await runScript(removeScript(place("other"))).ended).code).toBe(0);
    expect(await faultsOf()).toEqual([]);
    expect((await runScript(removeScript(place("m"))).ended).code).toBe(0);
    expect(readdirSync(root)).toEqual(["job-input"]);
  });

  test("a directory that belongs to another mirror is refused", async () => {
    offer(good);
    await publish();
    const [script, list] = publication();
    const { code, lines } = await runScript(script.replace("OWNER=m ", "OWNER=someone "), list).ended;
    expect(code).toBe(65);
    expect(lines.at(-1)).toContain("belongs to the mirror m, but this is someone");
  });
});

describe("serving a kept snapshot again", () => {
  const restored = (tree: string) =>
    restoreScript({ ...place(), signing: "upstream", keep: 2, plan: "", summary: "" }, tree);

  test("switches to the snapshot if it is complete", async () => {
    offer(good);
    await publish();
    const first = published();
    offer({ ...good, "dists/noble/InRelease": "root 2", "dists/noble/by-hash/SHA256/bb": "index 2" });
    await publish();
    expect((await runScript(restored(first)).ended).code).toBe(0);
    expect([published(), served("dists/noble/InRelease")]).toEqual([first, "root 1"]);
    // For clients that have just read the newer root.
    expect(served("dists/noble/by-hash/SHA256/bb")).toBe("index 2");
    expect(await faultsOf()).toEqual([]);
  });

  test("restores missing files from the store", async () => {
    offer(good);
    await publish();
    rmSync(join(root, "m/pool/a+b~1.deb"));
    upstream.asked.length = 0;
    expect((await runScript(restored(published())).ended).code).toBe(0);
    expect([served("pool/a+b~1.deb"), upstream.asked, await faultsOf()]).toEqual(["deb 1", [], []]);
  });

  test("repairs nothing if the snapshot cannot be completed", async () => {
    const named = (bytes: string) => ({ ...good, "dists/noble/InRelease": bytes, "pool/tool.deb": bytes });
    offer({ ...named("one"), "pool/gone.deb": "gone" });
    await publish();
    const first = published();
    offer(named("another"));
    await publish();
    rmSync(join(root, "m/pool/gone.deb"));
    rmSync(join(root, "m/pool/a+b~1.deb"));
    rmSync(join(root, "store", digestOf("gone").slice(0, 2)), { recursive: true });
    const { code, lines } = await runScript(restored(first)).ended;
    expect(code).toBe(65);
    expect(lines.filter((line) => line.startsWith("fault"))).toEqual(["fault pool/gone.deb: missing"]);
    expect(existsSync(join(root, "m/pool/a+b~1.deb"))).toBe(false);
    expect(served("pool/tool.deb")).toBe("another");
    expect(await faultsOf()).toEqual([]);
  });

  test("keeps the snapshot's indices for its clients when upstream is published again", async () => {
    const hashed = (n: number) => ({
      "dists/noble/InRelease": `root ${n}`,
      [`dists/noble/by-hash/SHA256/${n}`]: `index ${n}`,
    });
    for (const n of [1, 2, 3]) {
      offer(hashed(n));
      await publish({ keep: 3 });
    }
    const first = readdirSync(join(root, "m/trees")).sort()[0] ?? "";
    expect((await runScript(restored(first)).ended).code).toBe(0);
    offer(hashed(4));
    expect((await publish({ keep: 2 })).code).toBe(0);
    expect(served("dists/noble/by-hash/SHA256/1")).toBe("index 1");
  });

  test("refuses a snapshot that is not kept or not complete, and does not change the served one", async () => {
    offer(good);
    await publish();
    const first = published();
    const absent = await runScript(restored("000009-aaaaaaaaaaaa")).ended;
    expect([absent.code, absent.lines.at(-1)]).toEqual([
      65,
      `fault 000009-aaaaaaaaaaaa: is not among the kept snapshots: ${first} `,
    ]);
    offer({ ...good, "dists/noble/InRelease": "root 2" });
    await publish();
    const second = published();
    writeFileSync(join(root, "m/pool/a+b~1.deb"), "not a deb");
    const broken = await runScript(restored(first)).ended;
    expect([broken.code, broken.lines.at(-1)]).toEqual([65, "fault pool/a+b~1.deb: size"]);
    expect(published()).toBe(second);
  });
});
