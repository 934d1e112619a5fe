import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { CommandResult } from "../../lab/command.ts";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { type Upstream, upstreamOf } from "../../lab/upstream.ts";
import { AptClient } from "./apt-client.ts";
import { labSite, Stack, succeeded, type Values } from "./stack.ts";

const labName = "e2e-publish";
const modes = ["resigned", "verbatim"] as const;
const publications = 10;
let lab: Lab;
let upstream: Upstream;
let stack: Stack;
let clients: Record<(typeof modes)[number], AptClient>;

/** Two mirrors of one archive, called after their modes. */
const site = (resigned: Values = {}, both: Values = {}) =>
  labSite(lab, {
    resigned: { serve: { path: "/resigned" }, ...both, ...resigned },
    verbatim: { mode: "verbatim", serve: { path: "/verbatim" }, ...both },
  });

beforeAll(async () => {
  lab = await labUp(labName, { hosts: ["upstream", "mirror", "client"] });
  upstream = upstreamOf(lab);
  stack = await Stack.create();
  stack.configure(site());
  succeeded(await stack.up());
  const { mirrors } = await stack.outputs();
  const client = (mode: string) => AptClient.on(lab, "client", mode, mirrors[mode].sourcesEntry);
  clients = { resigned: await client("resigned"), verbatim: await client("verbatim") };
}, 300_000);

afterAll(async () => {
  stack?.discard();
  await labDown(labName);
}, 120_000);

describe("what upstream releases", () => {
  test("is shown by the preview in numbers, and is with the clients after the update", async () => {
    await upstream.release({ package: "hello", version: "2.90" });
    await upstream.release({ package: "tree", version: "9.0" });
    const preview = succeeded(await stack.preview("--diff"));
    expect(preview.counts).toMatchObject({ update: 2 });
    expect(preview.output.match(/noble-updates: \+1 ~1 -0 packages, [0-9.]+ KiB to fetch/g)).toHaveLength(2);
    for (const mode of modes) {
      const differs = preview.steps.find(({ name }) => name === `${mode}-contents`)?.differs;
      expect(differs).toContain("plan");
      expect(differs).toContain('suites["noble-updates"].packages');
    }
    const update = succeeded(await stack.up());
    expect(update.counts).toEqual(preview.counts);
    for (const mode of modes) {
      await clients[mode].update();
      expect(await clients[mode].install("hello")).toBe("2.90");
    }
  }, 90_000);

  test(`reaches clients without an error while ${2 * publications} trees are published, half of each mode`, async () => {
    const loop = clientLoop();
    const seen: string[] = [];
    for (let n = 1; n <= publications; n++) {
      await upstream.release({ package: "hello", version: `3.${n}` });
      const run = succeeded(await stack.up());
      expect(run.counts).toMatchObject({ update: 2 });
      const { mirrors } = await stack.outputs();
      seen.push(mirrors.resigned.tree, mirrors.verbatim.tree);
    }
    const { code, stdout, stderr } = await loop.end();
    expect(`${code} ${stderr}`).toBe("0 ");
    expect(new Set(seen).size).toBe(2 * publications);
    // Clients did work meanwhile, and saw more than the first and the last publication.
    const installed = stdout.trim().split("\n");
    expect(installed.length).toBeGreaterThan(2 * publications);
    for (const mode of modes) {
      const versions = new Set(installed.filter((line) => line.startsWith(mode)));
      expect(versions.size).toBeGreaterThan(publications / 2);
      await clients[mode].update();
      expect(await clients[mode].install("hello")).toBe(`3.${publications}`);
    }
  }, 300_000);
});

test("a phased update is for every machine where the mirror signs, and as upstream has it where it does not", async () => {
  const counted = await lab.sh(
    "mirror",
    "cd /srv/airgapped-maas/e2e/apt && for mode in resigned verbatim; do zcat $mode/current/public/dists/noble-updates/*/binary-amd64/Packages.gz | grep -c ^Phased-Update-Percentage; done; true",
  );
  expect(counted.stdout).toMatch(/^0\n[1-9]\d*\n$/);
});

describe("a change of what is mirrored", () => {
  test("is made in place, and back", async () => {
    const all = await clients.resigned.offered();
    stack.configure(site({}, { suites: ["noble", "noble-updates"], components: ["main"] }));
    const less = succeeded(await stack.up());
    expect(less.steps.map(({ op }) => op)).not.toContain("create");
    expect(less.steps.map(({ op }) => op)).not.toContain("replace");
    expect(less.steps.filter(({ type }) => type === "AptTree").map(({ op }) => op)).toEqual([
      "update",
      "update",
    ]);
    await renewEntries();
    for (const mode of modes) {
      await clients[mode].update();
      const offered = await clients[mode].offered();
      expect(offered.some((line) => line.startsWith("acl "))).toBe(true);
      expect(offered.some((line) => line.startsWith("cowsay "))).toBe(false);
      expect(offered.some((line) => line.includes("ubuntu0.1"))).toBe(false);
    }

    stack.configure(site());
    succeeded(await stack.up());
    await renewEntries();
    await clients.resigned.update();
    expect(await clients.resigned.offered()).toEqual(all);
  }, 120_000);

  async function renewEntries(): Promise<void> {
    const { mirrors } = await stack.outputs();
    for (const mode of modes) await clients[mode].use(mirrors[mode].sourcesEntry);
  }
});

describe("a rollback", () => {
  afterAll(() => upstream.restore());

  test("serves a kept tree again while upstream is down, changes nothing else, and ends when it is taken out", async () => {
    const { mirrors: before } = await stack.outputs();
    const older = before.resigned.tree;
    await upstream.release({ package: "hello", version: "4.0" });
    succeeded(await stack.up());
    const newer = (await stack.outputs()).mirrors.resigned.tree;
    await clients.resigned.update();
    expect(await clients.resigned.install("hello")).toBe("4.0");

    await upstream.tamper("refuse", { path: "." });
    stack.configure(
      labSite(lab, {
        resigned: { serve: { path: "/resigned" }, pinnedTo: older },
        verbatim: {
          mode: "verbatim",
          serve: { path: "/verbatim" },
          keepSnapshots: 4,
          pinnedTo: before.verbatim.tree,
        },
      }),
    );
    const preview = succeeded(await stack.preview());
    expect(preview.steps.find(({ name }) => name === "resigned-contents")?.differs).toContain("pinnedTo");
    succeeded(await stack.up());
    const { mirrors: pinned } = await stack.outputs();
    expect(pinned.resigned.tree.slice(7)).toBe(older.slice(7));
    expect(pinned.verbatim.tree).toBe(before.verbatim.tree);
    // Also the client that has seen the newer one follows: apt does not go back behind a date that it knows.
    await clients.resigned.update();
    expect(await clients.resigned.install("hello")).toBe(`3.${publications}`);
    const newcomer = await AptClient.on(lab, "client", "newcomer", pinned.verbatim.sourcesEntry);
    await newcomer.update();
    expect(await newcomer.install("hello")).toBe(`3.${publications}`);
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0 });

    await upstream.restore();
    stack.configure(site());
    succeeded(await stack.up());
    const now = (await stack.outputs()).mirrors.resigned.tree;
    expect(now.slice(7)).toBe(newer.slice(7));
    await clients.resigned.update();
    expect(await clients.resigned.install("hello")).toBe("4.0");
  }, 120_000);

  test("takes the same archive from another address once, and is content then", async () => {
    const { aptMirrors, ...rest } = site();
    const { upstream: from, ...verbatim } = aptMirrors.verbatim;
    const moved = { ...verbatim, upstream: { ...from, url: "http://security.ubuntu.com/ubuntu" } };
    stack.configure({ ...rest, aptMirrors: { ...aptMirrors, verbatim: moved } });
    const update = succeeded(await stack.up());
    expect(update.steps.map(({ op, name, differs }) => ({ op, name, differs }))).toEqual([
      { op: "update", name: "verbatim-contents", differs: ["upstream"] },
    ]);
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0 });
    stack.configure(site());
    succeeded(await stack.up());
  }, 120_000);
});

describe("a signature that expires", () => {
  const directory = "/srv/airgapped-maas/e2e/apt/resigned";
  const validUntil = async () => {
    const { stdout } = await lab.sh(
      "mirror",
      `sed -n 's/^Valid-Until: //p' ${directory}/current/public/dists/noble/InRelease`,
    );
    return Date.parse(stdout);
  };

  test("is renewed in its last third and not before", async () => {
    stack.configure(site({ validFor: "30d" }));
    succeeded(await stack.up());
    const day = 86_400_000;
    expect(await validUntil()).toBeGreaterThan(Date.now() + 29.9 * day);
    await set(11 * day);
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0 });

    await set(9 * day);
    const preview = succeeded(await stack.preview("--diff"));
    expect(preview.counts).toMatchObject({ update: 1 });
    expect(preview.steps[0]?.differs).toEqual(["signing.freshness"]);
    expect(preview.output).toContain('"expires in 216 h" => "fresh"');
    const before = await validUntil();
    succeeded(await stack.up());
    expect(await validUntil()).toBeGreaterThan(before);
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0 });
    await clients.resigned.update();
  }, 120_000);

  /** As if the signature had been made so long ago that so many milliseconds of it are left. */
  async function set(left: number): Promise<void> {
    const { code } = await lab.sh(
      "mirror",
      `echo ${Math.floor((Date.now() + left) / 1000)} >$(readlink -f ${directory}/current)/signed-until`,
    );
    expect(code).toBe(0);
  }
});

/** A client that updates and installs from both mirrors in turn until it is told to end; fails with the first error. */
function clientLoop(): { end(): Promise<CommandResult> } {
  const stop = `${clients.resigned.folder}/stop`;
  const turns = modes.map(
    (mode) => `
     apt-get -q -y ${clients[mode].options} update >>$log 2>&1 || fail ${mode} update
     rm -f ${clients[mode].folder}/archives/*.deb
     apt-get -q -y ${clients[mode].options} --reinstall --allow-downgrades install hello >>$log 2>&1 || fail ${mode} install
     dpkg-query -W -f '${mode} \${Version}\\n' hello`,
  );
  const done = lab.sh(
    "client",
    `export DEBIAN_FRONTEND=noninteractive log=${clients.resigned.folder}/log
     fail() { echo "$*:" >&2; tail -n 20 "$log" >&2; exit 1; }
     rm -f ${stop}
     while [ ! -e ${stop} ]; do : >$log; ${turns.join("\n")}
     done`,
  );
  return {
    async end() {
      await lab.sh("client", `touch ${stop}`);
      return await done;
    },
  };
}
