import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { repository } from "../../lab/paths.ts";
import { until } from "../../lab/until.ts";
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

/** A host's answer to a request for a path, or its status if that is not 200. */
async function served(host: string, path: string): Promise<string> {
  const response = await fetch(`http://${lab.address(host, "outside")}${path}`, {
    headers: { connection: "close" },
  });
  const body = await response.text();
  return response.ok ? body : String(response.status);
}

describe("two stacks on one host:", () => {
  let one: Stack;
  let two: Stack;
  const siteOne = () =>
    labSite(lab, { ubuntu: { filter: few, serve: { path: "/one" }, deleteContent: true } });
  const siteTwo = (more: Values = {}) =>
    labSite(lab, { ubuntu: { signing: "upstream", suites: ["noble"], serve: { path: "/two" }, ...more } });

  beforeAll(async () => {
    one = await newStack("one", siteOne());
    two = await newStack("two", siteTwo());
  }, 120_000);

  test("updates of both at the same time succeed, and each serves its mirror", async () => {
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

  /** The error of a preview of a stack with other mirrors on the same host. */
  async function refused(stack: Stack, site: Values | string): Promise<string> {
    stack.configure(site);
    return diagnosed(await stack.preview());
  }

  function diagnosed({ code, output }: Run): string {
    expect(code).not.toBe(0);
    return output.slice(output.indexOf("Diagnostics:"));
  }

  /** All served files, and their owners. */
  async function stateOfMirror(): Promise<string> {
    const kept = "/etc/nginx /var/lib/airgapped-maas/paths /var/lib/airgapped-maas/keys";
    const { stdout } = await lab.sh(
      "mirror",
      `find ${kept} -type f | sort | xargs sha256sum; nginx -t 2>&1; cat /srv/airgapped-maas/*/apt/*/.owner`,
    );
    return stdout;
  }

  test("a third stack with a used path or port or a wrong certificate is refused in the preview", async () => {
    const before = await stateOfMirror();
    const three = await newStack("three", {});
    const mirror = (serve: Values) => labSite(lab, { other: { filter: few, serve } });
    const path = await refused(three, mirror({ path: "/one" }));
    expect(path).toContain(
      "claiming URL path /one on port 80: ubuntu-configuration of the stack one (project airgapped-maas)",
    );
    await lab.sh("mirror", "systemd-run --quiet --unit=squatter python3 -m http.server 8089");
    await until(
      "the port",
      20_000,
      async () => (await lab.sh("mirror", "ss -Hltn 'sport = :8089'")).stdout !== "",
    );
    const port = await refused(three, mirror({ path: "/three", port: 8089 }));
    expect(port).toMatch(/listens on port 8089: python3.* \(process \d+\)/);
    await lab.sh("mirror", "systemctl stop squatter");
    const pair = certificate("m.example");
    const tls = async (given: typeof pair, port: number) => {
      three.configure(mirror({ path: "/three", port, tls: { ...given, key: "" } }));
      const key = "airgapped-maas:aptMirrors.other.serve.tls.key";
      const set = ["config", "set", "--stack", three.name, "--config-file", three.configFile];
      await three.ok([...set, "--path", "--secret", key, "--", given.key]);
      return diagnosed(await three.preview());
    };
    expect(await tls({ ...pair, key: certificate("other.example").key }, 443)).toContain(
      "aptMirrors.other.serve.tls.key: is not the key of the certificate (of m.example)",
    );
    expect(await tls({ ...pair, certificate: "C" }, 443)).toContain(
      "aptMirrors.other.serve.tls.certificate: ",
    );
    expect(await tls(pair, 80)).toContain("claiming TCP port 80");
    // Only nginx knows the configuration that a person wrote.
    await lab.sh("mirror", "echo 'server { listen 8091 default_server; }' >/etc/nginx/conf.d/theirs.conf");
    expect(await refused(three, mirror({ path: "/three", port: 8091 }))).toMatch(
      /a duplicate default server for 0.0.0.0:8091/,
    );
    await lab.sh("mirror", "rm /etc/nginx/conf.d/theirs.conf");
    expect(await stateOfMirror()).toBe(before);
  }, 120_000);

  test("a renamed mirror is refused, and the error names nameOnHost", async () => {
    const { aptMirrors, ...rest } = siteTwo();
    const message = await refused(two, { ...rest, aptMirrors: { renamed: aptMirrors.ubuntu } });
    expect(message).toContain("claiming URL path /two on port 80: ubuntu-configuration of the stack two");
    expect(message).toContain("nameOnHost");
    two.configure(siteTwo());
  }, 60_000);

  test("another project with the same names of stack and mirror is refused, and changes nothing", async () => {
    const before = await stateOfMirror();
    const folder = mkdtempSync(join(tmpdir(), "other-project-"));
    for (const shared of ["index.ts", "resources", "node_modules"])
      symlinkSync(join(repository, shared), join(folder, shared));
    const project =
      "name: other-site\nruntime:\n  name: nodejs\n  options:\n    typescript: false\nmain: index.ts\noptions:\n  refresh: always\n";
    writeFileSync(join(folder, "Pulumi.yaml"), project);
    const other = await Stack.create({ name: "one", project: folder });
    stacks.push(other);
    const text = (site: Values) =>
      Object.entries(site)
        .map(([key, value]) => `  other-site:${key}: ${JSON.stringify(value)}\n`)
        .join("");
    const one = labSite(lab, { ubuntu: { filter: few, serve: { path: "/one" }, deleteContent: true } });
    expect(await refused(other, text(one))).toContain("(project airgapped-maas)");
    const elsewhere = labSite(lab, {
      ubuntu: { filter: few, serve: { path: "/elsewhere" }, deleteContent: true },
    });
    expect(await refused(other, text(elsewhere))).toMatch(
      /\/srv\/airgapped-maas\/one\/apt\/ubuntu: it belongs to ubuntu-contents of the stack one \(project airgapped-maas\), but this is .*\(project other-site\)/,
    );
    // An update without a preview is refused too, and changes nothing.
    expect((await other.up()).code).not.toBe(0);
    succeeded(await other.destroy());
    expect(await stateOfMirror()).toBe(before);
    expect(await served("mirror", "/one/dists/noble-updates/Release")).toContain("Codename: noble");
    rmSync(folder, { recursive: true });
  }, 120_000);

  test("after pulumi destroy of one, the other still serves its mirror and has no changes", async () => {
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

  test("a renamed mirror with nameOnHost set to its old name causes no changes", async () => {
    const { aptMirrors, ...rest } = siteTwo({ nameOnHost: "ubuntu" });
    two.configure({ ...rest, aptMirrors: { "ubuntu-of-dc1": aptMirrors.ubuntu } });
    const run = await two.up("--expect-no-changes");
    expect(run).toMatchObject({ code: 0, steps: [] });
    expect(Object.keys((await two.outputs()).mirrors)).toEqual(["ubuntu-of-dc1"]);
  }, 120_000);

  /** What clients and the next update find on the host. */
  const atTwo = async () => ({
    release: await served("mirror", "/two/dists/noble/Release"),
    snapshots: (await lab.sh("mirror", "ls -i /srv/airgapped-maas/two/apt/ubuntu/trees")).stdout,
    nginx: (await lab.sh("mirror", "cat /etc/nginx/airgapped-maas/*/* && dpkg-query -W nginx")).stdout,
  });

  test("a mirror that gets its old name back keeps its content, and is served", async () => {
    const before = await atTwo();
    two.configure(siteTwo({ deleteContent: true }));
    // For the engine these are other resources.
    expect(succeeded(await two.up()).counts).toMatchObject({ create: 5, delete: 5 });
    expect(await atTwo()).toEqual(before);
    expect(await two.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
    const [configuration = ""] = two.state().match(/urn:[^"]*::ubuntu-configuration(?=")/) ?? [];
    expect(succeeded(await two.up("--replace", configuration)).counts).toMatchObject({ replace: 1 });
    expect(await atTwo()).toEqual(before);
  }, 120_000);

  test("a renamed mirror whose host gets another name keeps its content, and is served", async () => {
    const before = await atTwo();
    const names = readFileSync(lab.paths.sshConfig, "utf8");
    writeFileSync(lab.paths.sshConfig, names.replace(/^Host mirror$/m, "Host mirror mirror.dc1"));
    const { aptMirrors, ...rest } = siteTwo({
      nameOnHost: "ubuntu",
      deleteContent: true,
      host: "mirror.dc1",
    });
    two.configure({ ...rest, aptMirrors: { "ubuntu-of-dc1": aptMirrors.ubuntu } });
    expect(succeeded(await two.preview()).counts).toMatchObject({ replace: 4 });
    succeeded(await two.up());
    expect(await atTwo()).toEqual(before);
    expect(await two.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
    two.configure(siteTwo());
    succeeded(await two.up());
    expect(await atTwo()).toEqual(before);
    expect(await two.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
  }, 120_000);

  test("a mirror that moves to another host is served there, and the old host loses its configuration", async () => {
    two.configure(siteTwo({ host: "mirror2", serve: { path: "/two", address: "mirror2" } }));
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

function certificate(name: string): { certificate: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), "certificate-"));
  const args = `req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=${name} -keyout key`.split(" ");
  const options = { cwd: folder, encoding: "utf8", stdio: "pipe" } as const;
  const pair = {
    certificate: execFileSync("openssl", args, options),
    key: readFileSync(join(folder, "key"), "utf8"),
  };
  rmSync(folder, { recursive: true });
  return pair;
}

describe("two updates of one mirror at the same time", () => {
  // Two workstations with separate states, which Pulumi's lock does not protect from each other.
  const site = () => labSite(lab, { ubuntu: { filter: few, serve: { path: "/shared", port: 8080 } } });

  test("do not interleave: one or both succeed, a failed one gives the reason, and the tree is complete", async () => {
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

    // The state that lost the race is corrected by an ordinary update.
    for (const stack of both) succeeded(await stack.up());
    for (const stack of both) expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0 });
  }, 180_000);

  function reason({ output }: Run): string {
    return output.slice(output.indexOf("Diagnostics:"));
  }
});
