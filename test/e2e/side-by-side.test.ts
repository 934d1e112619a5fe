import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { labSite, type Run, Stack, succeeded, type Values } from "./stack.ts";

const labName = "e2e-side";
const few = { include: ["jq"] };
let lab: Lab;
const stacks: Stack[] = [];

async function newStack(name: string, site: Values): Promise<Stack> {
  const stack = await Stack.create({ name });
  stacks.push(stack);
  stack.configure(site);
  return stack;
}

beforeAll(async () => {
  lab = await labUp(labName, { hosts: ["upstream", "mirror", "mirror2"] });
}, 300_000);

afterAll(async () => {
  for (const stack of stacks) stack.discard();
  await labDown(labName);
}, 120_000);

/** What a host answers to a request for a path, or its status where that is not 200. */
async function served(host: string, path: string): Promise<string> {
  const response = await fetch(`http://${lab.address(host, "outside")}${path}`, {
    headers: { connection: "close" },
  });
  const body = await response.text();
  return response.ok ? body : String(response.status);
}

describe("two stacks on one host", () => {
  let one: Stack;
  let two: Stack;
  const siteOne = () =>
    labSite(lab, { ubuntu: { filter: few, serve: { path: "/one" }, deleteContent: true } });
  const siteTwo = (more: Values = {}) =>
    labSite(lab, { ubuntu: { mode: "verbatim", suites: ["noble"], serve: { path: "/two" }, ...more } });

  beforeAll(async () => {
    one = await newStack("one", siteOne());
    two = await newStack("two", siteTwo());
  }, 120_000);

  test("are built at the same time, and each serves its own", async () => {
    const runs = await Promise.all([one.up(), two.up()]);
    for (const run of runs) succeeded(run);
    expect(await served("mirror", "/one/dists/noble-updates/Release")).toContain("Codename: noble");
    expect(await served("mirror", "/two/dists/noble/Release")).toContain("Codename: noble");
    expect(await served("mirror", "/two/dists/noble-updates/Release")).toBe("404");
    const quiet = await Promise.all([one, two].map((stack) => stack.up("--expect-no-changes")));
    expect(quiet.map(({ code, steps }) => ({ code, steps }))).toEqual(
      quiet.map(() => ({ code: 0, steps: [] })),
    );
  }, 120_000);

  test("end one by one: the other serves on, and has nothing to do", async () => {
    succeeded(await one.destroy());
    expect(await served("mirror", "/one/dists/noble-updates/Release")).toBe("404");
    expect(await served("mirror", "/two/dists/noble/Release")).toContain("Codename: noble");
    expect(await two.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
    const left = await lab.sh(
      "mirror",
      "find /etc/nginx /srv/airgapped-maas /var/lib/airgapped-maas -path '*one*'",
    );
    expect(left.stdout).toBe("");
  }, 90_000);

  test("a renamed mirror that keeps its name on the host does nothing", async () => {
    const { aptMirrors, ...rest } = siteTwo({ nameOnHost: "ubuntu" });
    two.configure({ ...rest, aptMirrors: { "ubuntu-of-dc1": aptMirrors.ubuntu } });
    const run = await two.up("--expect-no-changes");
    expect(run).toMatchObject({ code: 0, steps: [] });
    expect(Object.keys((await two.outputs()).mirrors)).toEqual(["ubuntu-of-dc1"]);
    two.configure(siteTwo());
    expect((await two.preview()).counts).toMatchObject({
      create: expect.any(Number),
      delete: expect.any(Number),
    });
    two.configure({ ...rest, aptMirrors: { "ubuntu-of-dc1": aptMirrors.ubuntu } });
  }, 120_000);

  test("a mirror that moves to another host is served there, and its configuration leaves the old one", async () => {
    const { aptMirrors, ...rest } = siteTwo({
      nameOnHost: "ubuntu",
      host: "mirror2",
      serve: { path: "/two", address: "mirror2" },
    });
    two.configure({ ...rest, aptMirrors: { "ubuntu-of-dc1": aptMirrors.ubuntu } });
    const preview = succeeded(await two.preview());
    expect(preview.counts).toEqual({ same: expect.any(Number), replace: 4 });
    succeeded(await two.up());
    expect(await served("mirror2", "/two/dists/noble/Release")).toContain("Codename: noble");
    const left = await lab.sh(
      "mirror",
      "ls -d /etc/nginx /srv/airgapped-maas/two/apt/ubuntu/pool; dpkg-query -W nginx",
    );
    expect(left.stdout).toBe("/srv/airgapped-maas/two/apt/ubuntu/pool\n");
    expect(await two.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
  }, 120_000);
});

describe("two updates of one mirror at a time", () => {
  // Two workstations with a state each, which no lock of Pulumi's keeps apart.
  const site = () => labSite(lab, { ubuntu: { filter: few, serve: { path: "/shared", port: 8080 } } });

  test("do not interleave: both end well or one says why not, and the tree is whole", async () => {
    const both = [await newStack("shared", site()), await newStack("shared", site())];
    const runs = await Promise.all(both.map((stack) => stack.up()));
    expect(runs.filter(({ code }) => code === 0).length).toBeGreaterThanOrEqual(1);
    for (const refused of runs.filter(({ code }) => code !== 0))
      expect(reason(refused)).toMatch(/another update|run the (preview|update) again/i);

    const [winner] = runs[0]?.code === 0 ? both : both.toReversed();
    if (!winner) throw new Error("there are two stacks");
    expect(await winner.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
    const root = "/srv/airgapped-maas/shared/apt/ubuntu";
    const wrong = await lab.sh(
      "mirror",
      `cd ${root} && awk -F'\\t' '{ print $1 "  " $4 }' current/listing | sha256sum --quiet -c && ls trees`,
    );
    expect(wrong).toMatchObject({ code: 0, stderr: "" });
    expect(wrong.stdout).not.toContain("unfinished");
    const address = `${lab.address("mirror", "outside")}:8080`;
    const release = await (await fetch(`http://${address}/shared/dists/noble/InRelease`)).text();
    expect(release).toContain("BEGIN PGP SIGNED MESSAGE");

    // The state that lost its race catches up by an ordinary update.
    for (const stack of both) succeeded(await stack.up());
    for (const stack of both) expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0 });
  }, 180_000);

  function reason({ output }: Run): string {
    return output.slice(output.indexOf("Diagnostics:"));
  }
});
