import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { CommandResult } from "../../lab/command.ts";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { type Upstream, upstreamOf } from "../../lab/upstream.ts";
import { AptClient } from "./apt-client.ts";
import { labSite, Stack, succeeded, type Values } from "./stack.ts";

const labName = "e2e-publish";
const signers = ["mirror", "upstream"] as const;
const publications = 6;
let lab: Lab;
let upstream: Upstream;
let stack: Stack;
let clients: Record<(typeof signers)[number], AptClient>;

/** Two mirrors of one archive, named after their signing. */
const site = (signing: Values = {}, both: Values = {}) =>
  labSite(lab, {
    mirror: { serve: { path: "/mirror" }, ...both, ...signing },
    upstream: { signing: "upstream", serve: { path: "/upstream" }, ...both },
  });

beforeAll(async () => {
  lab = await labUp(labName, { hosts: ["upstream", "mirror", "client"] });
  upstream = upstreamOf(lab);
  stack = await Stack.create();
  stack.configure(site());
  succeeded(await stack.up());
  const { mirrors } = await stack.outputs();
  const client = (signing: string) => AptClient.on(lab, "client", signing, mirrors[signing].sourcesEntry);
  clients = { mirror: await client("mirror"), upstream: await client("upstream") };
}, 300_000);

afterAll(async () => {
  stack?.discard();
  await labDown(labName);
}, 120_000);

describe("new packages of upstream", () => {
  test("are counted in the preview, and clients install them after the update", async () => {
    await upstream.release({ package: "hello", version: "2.90" });
    await upstream.release({ package: "tree", version: "9.0" });
    const preview = succeeded(await stack.preview("--diff"));
    expect(preview.counts).toMatchObject({ update: 2 });
    expect(preview.output.match(/noble-updates: \+1 ~1 -0 packages, [0-9.]+ KiB to fetch/g)).toHaveLength(2);
    for (const signing of signers) {
      const differs = preview.steps.find(({ name }) => name === `${signing}-contents`)?.differs;
      expect(differs).toContain("plan");
      expect(differs).toContain('suites["noble-updates"].packages');
    }
    const update = succeeded(await stack.up());
    expect(update.counts).toEqual(preview.counts);
    for (const signing of signers) {
      await clients[signing].update();
      expect(await clients[signing].install("hello")).toBe("2.90");
    }
  }, 90_000);

  test(`are installed by clients without an error while two mirrors publish ${publications} snapshots each`, async () => {
    const loop = clientLoop();
    const seen: string[] = [];
    for (let n = 1; n <= publications; n++) {
      await upstream.release({ package: "hello", version: `3.${n}` });
      const run = succeeded(await stack.up());
      expect(run.counts).toMatchObject({ update: 2 });
      const { mirrors } = await stack.outputs();
      seen.push(mirrors.mirror.tree, mirrors.upstream.tree);
    }
    const { code, stdout, stderr } = await loop.end();
    expect(`${code} ${stderr}`).toBe("0 ");
    expect(new Set(seen).size).toBe(2 * publications);
    // Clients did work during the updates, and saw other publications than the first and the last.
    const installed = stdout.trim().split("\n");
    expect(installed.length).toBeGreaterThan(2 * publications);
    for (const signing of signers) {
      const versions = new Set(installed.filter((line) => line.startsWith(signing)));
      expect(versions.size).toBeGreaterThan(publications / 2);
      await clients[signing].update();
      expect(await clients[signing].install("hello")).toBe(`3.${publications}`);
    }
  }, 300_000);
});

test("signing: mirror removes Phased-Update-Percentage from the package index, signing: upstream keeps it", async () => {
  const counted = await lab.sh(
    "mirror",
    "cd /srv/airgapped-maas/e2e/apt && for signing in mirror upstream; do zcat $signing/current/public/dists/noble-updates/*/binary-amd64/Packages.gz | grep -c ^Phased-Update-Percentage; done; true",
  );
  expect(counted.stdout).toMatch(/^0\n[1-9]\d*\n$/);
});

describe("a change of suites and components", () => {
  test("updates the mirrors without a replacement, and the change back offers the same packages again", async () => {
    const all = await clients.mirror.offered();
    stack.configure(site({}, { suites: ["noble", "noble-updates"], components: ["main"] }));
    const less = succeeded(await stack.up());
    expect(less.steps.map(({ op }) => op)).not.toContain("create");
    expect(less.steps.map(({ op }) => op)).not.toContain("replace");
    expect(less.steps.filter(({ type }) => type === "AptTree").map(({ op }) => op)).toEqual([
      "update",
      "update",
    ]);
    await renewEntries();
    for (const signing of signers) {
      await clients[signing].update();
      const offered = await clients[signing].offered();
      expect(offered.some((line) => line.startsWith("acl "))).toBe(true);
      expect(offered.some((line) => line.startsWith("cowsay "))).toBe(false);
      expect(offered.some((line) => line.includes("ubuntu0.1"))).toBe(false);
    }

    stack.configure(site());
    succeeded(await stack.up());
    await renewEntries();
    await clients.mirror.update();
    expect(await clients.mirror.offered()).toEqual(all);
  }, 120_000);

  async function renewEntries(): Promise<void> {
    const { mirrors } = await stack.outputs();
    for (const signing of signers) await clients[signing].use(mirrors[signing].sourcesEntry);
  }
});

describe("a rollback", () => {
  afterAll(() => upstream.restore());

  test("serves a kept snapshot while upstream is down, causes no drift, and ends without pinnedTo", async () => {
    const { mirrors: before } = await stack.outputs();
    const older = before.mirror.tree;
    await upstream.release({ package: "hello", version: "4.0" });
    succeeded(await stack.up());
    const newer = (await stack.outputs()).mirrors.mirror.tree;
    await clients.mirror.update();
    expect(await clients.mirror.install("hello")).toBe("4.0");

    await upstream.tamper("refuse", { path: "." });
    stack.configure(
      labSite(lab, {
        mirror: { serve: { path: "/mirror" }, pinnedTo: older },
        upstream: {
          signing: "upstream",
          serve: { path: "/upstream" },
          keepSnapshots: 4,
          pinnedTo: before.upstream.tree,
        },
      }),
    );
    const preview = succeeded(await stack.preview());
    expect(preview.steps.find(({ name }) => name === "mirror-contents")?.differs).toContain("pinnedTo");
    succeeded(await stack.up());
    const { mirrors: pinned } = await stack.outputs();
    expect(pinned.mirror.tree.slice(7)).toBe(older.slice(7));
    expect(pinned.upstream.tree).toBe(before.upstream.tree);
    // A client that has seen the newer snapshot follows too, although apt rejects a Release with an earlier
    // date.
    await clients.mirror.update();
    expect(await clients.mirror.install("hello")).toBe(`3.${publications}`);
    const newcomer = await AptClient.on(lab, "client", "newcomer", pinned.upstream.sourcesEntry);
    await newcomer.update();
    expect(await newcomer.install("hello")).toBe(`3.${publications}`);
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0 });

    await upstream.restore();
    stack.configure(site());
    succeeded(await stack.up());
    const now = (await stack.outputs()).mirrors.mirror.tree;
    expect(now.slice(7)).toBe(newer.slice(7));
    await clients.mirror.update();
    expect(await clients.mirror.install("hello")).toBe("4.0");
  }, 120_000);
});

describe("a new upstream URL", () => {
  test("of the same archive causes one update, and no change afterwards", async () => {
    const { aptMirrors, ...rest } = site();
    const { upstream: from, ...others } = aptMirrors.upstream;
    const moved = { ...others, upstream: { ...from, url: "http://security.ubuntu.com/ubuntu" } };
    stack.configure({ ...rest, aptMirrors: { ...aptMirrors, upstream: moved } });
    const update = succeeded(await stack.up());
    expect(update.steps.map(({ op, name, differs }) => ({ op, name, differs }))).toEqual([
      { op: "update", name: "upstream-contents", differs: ["upstream"] },
    ]);
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0 });
    stack.configure(site());
    succeeded(await stack.up());
  }, 120_000);
});

describe("a smaller keepSnapshots", () => {
  test("deletes older snapshots in the same update, also without new packages", async () => {
    stack.configure(site({}, { keepSnapshots: 1 }));
    const update = succeeded(await stack.up());
    expect(update.steps.map(({ op, name, differs }) => `${op} ${name}: ${differs}`).sort()).toEqual(
      signers.map((signing) => `update ${signing}-contents: keepSnapshots`),
    );
    const kept = await lab.sh(
      "mirror",
      "cd /srv/airgapped-maas/e2e/apt && ls mirror/trees upstream/trees | grep -c -",
    );
    expect(kept.stdout.trim()).toBe("2");
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0 });
    stack.configure(site());
    succeeded(await stack.up());
  }, 120_000);
});

describe("a signature with validFor", () => {
  const directory = "/srv/airgapped-maas/e2e/apt/mirror";
  const validUntil = async () => {
    const { stdout } = await lab.sh(
      "mirror",
      `sed -n 's/^Valid-Until: //p' ${directory}/current/public/dists/noble/InRelease`,
    );
    return Date.parse(stdout);
  };

  test("is renewed in the last third of its validity and not before", async () => {
    stack.configure(site({ validFor: "30d" }));
    succeeded(await stack.up());
    const day = 86_400_000;
    expect(await validUntil()).toBeGreaterThan(Date.now() + 29.9 * day);
    await set(11 * day);
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0 });

    await set(9 * day);
    const preview = succeeded(await stack.preview("--diff"));
    expect(preview.counts).toMatchObject({ update: 1 });
    expect(preview.steps[0]?.differs).toEqual(["status.freshness"]);
    expect(preview.output).toContain('"expires in 216 h" => "fresh"');
    const before = await validUntil();
    succeeded(await stack.up());
    expect(await validUntil()).toBeGreaterThan(before);
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0 });
    await clients.mirror.update();
  }, 120_000);

  /** Changes the signature's time so that its remaining validity is this many milliseconds. */
  async function set(left: number): Promise<void> {
    const { code } = await lab.sh(
      "mirror",
      `echo ${Math.floor((Date.now() + left) / 1000)} >$(readlink -f ${directory}/current)/signed-until`,
    );
    expect(code).toBe(0);
  }
});

/**
 * A client that updates and installs from both mirrors in turn until it is stopped. Fails with the first
 * error.
 */
function clientLoop(): { end(): Promise<CommandResult> } {
  const stop = `${clients.mirror.folder}/stop`;
  const turns = signers.map(
    (signing) => `
     apt-get -q -y ${clients[signing].options} update >>$log 2>&1 || fail ${signing} update
     rm -f ${clients[signing].folder}/archives/*.deb
     apt-get -q -y ${clients[signing].options} --reinstall --allow-downgrades install hello >>$log 2>&1 || fail ${signing} install
     dpkg-query -W -f '${signing} \${Version}\\n' hello`,
  );
  const done = lab.sh(
    "client",
    `export DEBIAN_FRONTEND=noninteractive log=${clients.mirror.folder}/log
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
