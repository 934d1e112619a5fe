import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { parsePlanText } from "../../../../../content/apt/plan.ts";
import { defaultCache } from "../../../../../content/metadata-cache.ts";
import { ExplainedError } from "../../../../../errors/explained-error.ts";
import { keptSummary } from "../../../../../resources/mirror/apt/kept-snapshot.ts";
import { aptTree } from "../../../../../resources/mirror/apt/tree.ts";
import { customImageTree } from "../../../../../resources/mirror/custom-image/tree.ts";
import { imageTree } from "../../../../../resources/mirror/images/tree.ts";
import { planTexts } from "../../../../../resources/mirror/published-tree/plan-texts.ts";
import { summariesOf } from "../../../../../resources/mirror/published-tree/published.ts";
import { HostOnThisMachine } from "../../../../host-on-this-machine.ts";
import { scratchDirectory } from "./job-on-this-machine.ts";

/* Hostile contents of a host's tree files, of which a preview reads some. */

const plan = "a".repeat(64);
const signing = "mirror";
const tree = "000001-aaaaaaaaaaaa";
let root: string;
const cacheBefore = process.env.XDG_CACHE_HOME;

beforeEach(() => {
  root = scratchDirectory("hostile-summaries");
  process.env.XDG_CACHE_HOME = join(root, "cache");
  mkdirSync(join(root, "m/trees", tree), { recursive: true });
  symlinkSync(`trees/${tree}`, join(root, "m/current"));
  write("listing", "");
});
afterEach(() => {
  if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cacheBefore;
  rmSync(root, { recursive: true });
});

const write = (name: string, text: string) => writeFileSync(join(root, "m/trees", tree, name), text);
const directory = () => join(root, "m");

const wrong: unknown[] = [
  null,
  5,
  [],
  "text",
  {},
  { plan: 5 },
  { plan, suites: {} },
  { plan, signing, suites: null },
  { plan, signing, suites: { noble: null } },
  { plan, signing, suites: { noble: { date: 5 } } },
  { plan, signing, suites: { "no\u001b[31mble": { date: "2026-11-28T06:49:15.000Z" } } },
  { plan, signing: "other", suites: {} },
  { plan, signing, suites: {}, signingKey: null },
  { plan, signing, suites: {}, signingKey: { fingerprint: "x; reboot" } },
  { plan: "../../../etc/passwd", signing, suites: {} },
];

describe("a summary that no update has written", () => {
  test.each(wrong)("is refused by the preview of an apt mirror: %j", async (summary) => {
    write("summary.json", JSON.stringify(summary));
    const asked = summariesOf(new HostOnThisMachine("mirror", root), directory(), keptSummary);
    await expect(asked).rejects.toThrow(ExplainedError);
    await expect(asked).rejects.toThrow(/host mirror: reading .*summary\.json: .*not written by an update/);
  });

  const kinds = { aptTree, imageTree, customImageTree };
  const never = ["null", "5", "[]", "{}", '{"plan":5}', "{", "", '{\n"plan":"x"}'];
  test.each(Object.keys(kinds).flatMap((kind) => never.map((text) => [kind, text] as const)))(
    "is refused by the refresh of a tree: %s with %j",
    async (kind, text) => {
      write("summary.json", text);
      const { observe } = kinds[kind as "aptTree"];
      const asked = observe(
        { host: new HostOnThisMachine("mirror", root) } as never,
        { directory: directory() } as never,
      );
      await expect(asked).rejects.toThrow(/host mirror: reading .*summary\.json: .*not written by an update/);
    },
  );

  test("does not change the directory, the store or deleteContent of a mirror", async () => {
    const common = { plan, upstream: "u", keepSnapshots: 1, bytes: 0 };
    const image = { os: "o", release: "r", releaseTitle: "t", version: "1", architecture: "amd64" };
    const valid = {
      aptTree: { ...common, signing, suites: {}, packages: 0 },
      imageTree: { ...common, updated: { index: "d", products: {} }, images: {}, files: 0 },
      customImageTree: {
        ...common,
        updated: "d",
        image: { ...image, serial: "1", sha256: plan },
        size: 1,
        signingKey: { directory: "/k", fingerprint: "F" },
      },
    };
    for (const [kind, summary] of Object.entries(valid)) {
      write(
        "summary.json",
        JSON.stringify({ ...summary, directory: "/etc", deleteContent: true, store: "/" }),
      );
      const { observe } = kinds[kind as "aptTree"];
      const declared = { directory: directory(), store: join(root, "store"), deleteContent: false };
      const found = await observe(
        { host: new HostOnThisMachine("mirror", root) } as never,
        declared as never,
      );
      expect(found?.inputs).toMatchObject(declared);
    }
  });
});

describe("the plan of the published snapshot", () => {
  test.each(["[", "Package: x", "null", '{"other":1}'])(
    "is read from the host if the cache has something else under its digest: %j",
    async (text) => {
      write("plan", "the host's");
      const digest = await defaultCache().put(text);
      const wanted = { planText: await defaultCache().put("wanted"), workList: "", contents: "", seeds: [] };
      const read = await planTexts(
        new HostOnThisMachine("mirror", root),
        directory(),
        { plan: digest },
        wanted,
      );
      expect([String(read.before), String(read.after)]).toEqual(["the host's", "wanted"]);
    },
  );

  test.each([
    `${plan} 1 pool/a.deb noble main amd64 a\u001b]0;owned\u0007 1.0`,
    `${plan} 1 pool/a\u0008.deb`,
    `suite noble\u001b[2J 2026-11-28T06:49:15.000Z ${plan}`,
  ])("is refused if it has control characters for a terminal: %j", (line) => {
    expect(() => parsePlanText(`airgapped-maas apt plan 1\n${line}\n`)).toThrow(/a line of it is invalid/);
  });
});
