import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { type Manifest, manifestDifferences, manifestOf } from "../../lab/manifest.ts";
import { labSite, type Run, Stack, type Values } from "./stack.ts";

const labName = "e2e-refuse";
let lab: Lab;
let stack: Stack;
let before: Manifest;

beforeAll(async () => {
  lab = await labUp(labName, { hosts: ["upstream", "mirror"] });
  before = await manifestOf(lab, "mirror");
  stack = await Stack.create();
}, 300_000);

afterAll(async () => {
  stack?.discard();
  await labDown(labName);
}, 120_000);

/** Wrong values, by the path below the mirror that the error must name, with a part of the reason. */
const wrong: readonly [path: string, mirror: Values, reason: string][] = [
  ["host", { host: "-oProxyCommand=reboot" }, "is not a name one could type after ssh"],
  ["upstream.url", { upstream: { url: "ftp://archive.ubuntu.com" } }, "is not an http(s) URL"],
  ["upstream.parallel", { upstream: { url: "http://a/ubuntu", parallel: 0 } }, ""],
  ["suites[0]", { suites: ["noble//updates"] }, "is not a suite's name"],
  ["suites[1]", { suites: ["noble", "noble"] }, "is listed twice"],
  ["suites", { suites: [] }, "is empty"],
  ["components[0]", { components: ["main "] }, "is not a component's name"],
  ["architectures[0]", { architectures: ["x86_64"] }, "is called amd64"],
  ["architectures[0]", { architectures: ["source"] }, "set extras.sources"],
  ["signing", { signing: "signed" }, 'is neither "mirror" nor "upstream"'],
  ["filter", { signing: "upstream", filter: { include: ["jq"] } }, 'needs signing "mirror"'],
  ["localPackages", { signing: "upstream", localPackages: ["a.deb"] }, 'needs signing "mirror"'],
  ["validFor", { validFor: "a month" }, "is not a duration"],
  ["validFor", { signing: "upstream", validFor: "30d" }, 'needs signing "mirror"'],
  ["filter.include[0]", { filter: { include: ["jq; reboot"] } }, "neither a package's name nor a pattern"],
  ["extras.languages[0]", { extras: { languages: ["english"] } }, "is not a language"],
  ["serve.port", { serve: { port: 70_000 } }, "is not a TCP port"],
  ["serve.path", { serve: { path: "/a b;" } }, "is not a plain URL path"],
  ["serve.serverNames[0]", { serve: { serverNames: ["a_b.dc1"] } }, "is not a host name"],
  ["keepSnapshots", { keepSnapshots: 0 }, "is less than 1"],
  ["pinnedTo", { pinnedTo: "latest" }, "is not a snapshot's name"],
  ["directory", { directory: "srv/ubuntu/" }, "is not an absolute path"],
];

describe("wrong settings in the stack file", () => {
  let run: Run;
  const name = (index: number) => `m${index}`;

  beforeAll(async () => {
    const mirrors = wrong.map(([, mirror], index) => [
      name(index),
      { serve: { port: 9000 + index }, ...mirror },
    ]);
    stack.configure(labSite(lab, Object.fromEntries(mirrors), { aptMirror: {} }));
    run = await stack.preview();
  }, 120_000);

  test.each(wrong.map(([path, , reason], index) => ({ path, reason, index })))(
    "are refused with their path: $path $reason",
    ({ path, reason, index }) => {
      const at = `Pulumi.e2e.yaml: airgapped-maas:aptMirrors.${name(index)}.${path}:`;
      const line = run.output.split("\n").find((each) => each.includes(at) && each.includes(reason));
      expect(line ?? run.output).toContain(at);
    },
  );

  test("are all reported in one preview, with unknown settings, and nothing is planned", () => {
    expect(run.code).not.toBe(0);
    expect(run.output).toMatch(/aptMirror\b.*/);
    expect(run.output.match(/Pulumi\.e2e\.yaml: /g)?.length).toBeGreaterThan(wrong.length);
    expect(run.output).not.toContain("at Object.");
    expect(run.steps.filter(({ type }) => type !== "Stack")).toEqual([]);
  });
});

test("mirrors whose directory, URL path, name or port conflicts are refused with the path of the later one", async () => {
  const port = { serverNames: ["mirror.dc1"] };
  stack.configure(
    labSite(
      lab,
      {
        a: { directory: "/srv/a" },
        b: { directory: "/srv/a/b", serve: { path: "/b" } },
        c: { serve: { path: "/ubuntu/c" } },
        d: { serve: { port: 81, path: "/d", ...port } },
        e: { serve: { port: 81, path: "/e", serverNames: ["mirror.dc1", "other.dc1"] } },
        f: { serve: { port: 81, path: "/f", tls: { certificate: "C", key: "never shown" } } },
      },
      { clientChecks: { jq: { host: "client", mirror: "z", package: "jq" } } },
    ),
  );
  const { code, output } = await stack.preview();
  expect(code).not.toBe(0);
  for (const [path, reason] of [
    ["aptMirrors.b.directory", "overlaps with the directory of a"],
    ["aptMirrors.c.serve.path", "overlaps with /ubuntu of a"],
    ["aptMirrors.e.serve.serverNames", "mirror.dc1 is also a name of d"],
    ["aptMirrors.f.serve.port", "served with TLS by one and without by the other"],
    ["clientChecks.jq.mirror", "names no mirror"],
  ]) {
    expect(output).toMatch(new RegExp(`airgapped-maas:${path}:.*${reason}`));
  }
  expect(output).not.toContain("never shown");
}, 120_000);

test("a stack file that declares nothing is refused, and the error names `pulumi destroy`", async () => {
  stack.configure({ sshConfig: lab.paths.sshConfig });
  const { code, output, steps } = await stack.preview();
  expect(code).not.toBe(0);
  expect(output).toMatch(/Pulumi\.e2e\.yaml: airgapped-maas: declares no aptMirrors.*`pulumi destroy`/);
  expect(steps.filter(({ type }) => type !== "Stack")).toEqual([]);
}, 60_000);

test("an unknown host that only one mirror names is reported once and without a stack trace", async () => {
  const site = labSite(lab, { ubuntu: { host: "mirror.nowhere.invalid" } });
  stack.configure({ ...site, aptMirrors: { ubuntu: { ...site.aptMirrors.ubuntu, serve: {} } } });
  const { code, output } = await stack.preview();
  expect(code).not.toBe(0);
  const diagnostics = output.slice(output.indexOf("Diagnostics:"));
  expect(diagnostics.match(/error: /g)).toHaveLength(1);
  expect(diagnostics).toContain("aptMirrors.ubuntu.host: host mirror.nowhere.invalid: ");
  expect(output).not.toMatch(/\n\s+at \S+ \(|PromiseRejectionHandledWarning|unhandled/);
}, 60_000);

test("a failed lookup of one mirror is reported without a stack trace, and another lookup is finished", async () => {
  const wrong = { ...upstream({ key: notAKey() }), serve: { path: "/wrong" } };
  stack.configure(labSite(lab, { fine: { serve: { path: "/fine" } }, wrong }));
  const { code, output } = await stack.preview();
  expect(code).not.toBe(0);
  expect(output).toMatch(/aptMirrors\.wrong\.upstream\.key: .*not-a-key\.asc/);
  expect(output).toMatch(/fine.* noble: \+\d+ ~0 -0 packages/);
  expect(output).not.toMatch(/\n\s+at \S+ \(|PromiseRejectionHandledWarning|unhandled/);
}, 60_000);

test("a private key in clear text is refused before any lookup, and is not shown", async () => {
  const key = "-----BEGIN PRIVATE KEY-----\nnever shown\n-----END PRIVATE KEY-----\n";
  stack.configure(labSite(lab, { ubuntu: { serve: { tls: { certificate: "C", key } } } }));
  const { code, output, steps } = await stack.preview();
  expect(code).not.toBe(0);
  expect(output).toContain(
    "pulumi config set --stack e2e --secret --path 'airgapped-maas:aptMirrors.ubuntu.serve.tls.key' < FILE",
  );
  expect(output).not.toContain("never shown");
  expect(steps.filter(({ type }) => type !== "Stack")).toEqual([]);
}, 60_000);

/** Errors that only the hosts and upstream can show, each with the path that the error must name. */
const unworkable: readonly [what: string, path: string, mirror: () => Values, reason: RegExp][] = [
  [
    "a host that ssh cannot resolve",
    "host",
    () => ({ host: "mirror.nowhere.invalid" }),
    /mirror\.nowhere\.invalid/,
  ],
  ["a key file without a key", "upstream.key", () => upstream({ key: notAKey() }), /not-a-key\.asc/],
  ["an unknown key", "upstream.key", () => upstream({ key: "A".repeat(40) }), /A{40}/],
  ["the default key, which did not sign", "upstream.key", () => upstream({ key: undefined }), /sign/],
  ["an unknown suite", "suites", () => ({ suites: ["warty"] }), /warty/],
  ["an unknown component", "components", () => ({ components: ["restricted"] }), /restricted/],
  ["an unknown architecture", "architectures", () => ({ architectures: ["riscv64"] }), /riscv64/],
  [
    "an upstream without an archive",
    "upstream.url",
    () => upstream({ url: "http://archive.ubuntu.com/no" }),
    /404/,
  ],
  ["a snapshot that is not kept", "pinnedTo", () => ({ pinnedTo: "000007-0f3c2a9be114" }), /no snapshots/],
  [
    "a directory with other files",
    "directory",
    () => ({ directory: "/etc/ssh" }),
    /contains (moduli|ssh\S+).*would remove these files/,
  ],
  ["a local package that does not exist", "localPackages", () => ({ localPackages: ["no.deb"] }), /no\.deb/],
  ["an invalid local package", "localPackages", () => ({ localPackages: [notAKey()] }), /not-a-key\.asc/],
];

const upstream = (more: Values) => ({
  upstream: { ...labSite(lab, { x: {} }).aptMirrors.x.upstream, ...more },
});

function notAKey(): string {
  const file = join(stack.folder, "not-a-key.asc");
  writeFileSync(file, "not a key\n");
  return file;
}

describe("settings that cannot work", () => {
  let run: Run;

  beforeAll(async () => {
    const mirrors = unworkable.map(([, , mirror], index) => [
      `m${index}`,
      { serve: { port: 9000 + index }, ...mirror() },
    ]);
    stack.configure(labSite(lab, Object.fromEntries(mirrors)));
    run = await stack.preview();
  }, 90_000);

  test.each(unworkable.map(([what, path, , reason], index) => ({ what, path, reason, index })))(
    "are refused in the preview: $what, with the path $path",
    ({ path, reason, index }) => {
      expect(run.code).not.toBe(0);
      const at = `aptMirrors.m${index}.${path}`;
      const line = run.output.split("\n\n").find((each) => each.includes(at));
      expect(line ?? run.output.slice(run.output.indexOf("Diagnostics:"))).toContain(at);
      expect(line).toMatch(reason);
    },
  );

  test("are reported without a stack trace", () => {
    expect(run.output).not.toMatch(/\n\s+at \S+ \(|PromiseRejectionHandledWarning|unhandled/);
  });
});

test("the host is unchanged after all previews of this file", async () => {
  const differences = manifestDifferences(before, await manifestOf(lab, "mirror"));
  expect(differences.filter((line) => !line.startsWith("~ running systemd-ask-password-"))).toEqual([]);
}, 120_000);
