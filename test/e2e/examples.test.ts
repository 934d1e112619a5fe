import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type LabHost, labHost } from "../../lab/hosts.ts";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { repository } from "../../lab/paths.ts";
import { UnpackedRelease } from "../contract/releases/unpacked.ts";
import { type Run, Stack, succeeded } from "./stack.ts";

/*
 * The unchanged examples, in a project that is the unpacked release, on the lab's hosts. The examples call these
 * mirror.dc1, maas.dc1 and client.dc1, which the ssh configuration resolves.
 */

const labName = "e2e-examples";
const hosts = ["mirror", "maas", "client"];
const examples = join(repository, "examples");
const text = (name: string) => readFileSync(join(examples, name), "utf8");
let lab: Lab;
let release: UnpackedRelease;
let stack: Stack;

beforeAll(async () => {
  lab = await labUp(labName, { hosts: ["upstream", ...hosts] });
  release = new UnpackedRelease();
  release.add(lab.paths.customImage, "images/rocky9.tar.gz");
  release.add(writtenSshConfig(), "ssh_config");
  stack = await Stack.create({
    name: "dc1",
    project: release.project,
    env: { AIRGAPPED_MAAS_SSH_CONFIG: join(release.project, "ssh_config") },
  });
}, 300_000);

afterAll(async () => {
  stack?.discard();
  release?.discard();
  await labDown(labName);
}, 120_000);

/** The user's own ssh configuration. */
function writtenSshConfig(): string {
  const blocks = hosts.map((name) => {
    const { user, jump } = labHost(name) as LabHost;
    const address = lab.address(name, jump ? "datacentre" : "outside");
    const proxy = jump ? `  ProxyJump ${jump}\n` : "";
    return `Host ${name}.dc1\n  HostName ${address}\n  User ${user}\n${proxy}`;
  });
  const file = join(lab.paths.directory, "ssh_config_of_examples");
  writeFileSync(file, `Include "${lab.paths.sshConfig}"\n${blocks.join("")}`);
  return file;
}

/** The only change to an example: the lab's archive and images have the real URLs, but keys of the lab. */
function withKeysOfLab(example: string): string {
  return example.replace(
    /^(.*\burl: "?http:\/\/(archive\.ubuntu\.com|images\.maas\.io)\/[^\s"]*)("?)(.*)$/gm,
    (_, start: string, host: string, quote: string, end: string) => {
      const key = join(repository, ".lab/keys", host.startsWith("archive") ? "ubuntu.asc" : "images.asc");
      const indent = /^ */.exec(start)?.[0] ?? "";
      return quote ? `${start}${quote}, key: "${key}"${end}` : `${start}${end}\n${indent}key: ${key}`;
    },
  );
}

/** The kinds of components in a run, each once. */
function components({ steps }: Run): string[] {
  const ours = steps.filter(({ urn }) => /airgapped-maas:index:\w+::/.test(urn));
  return [...new Set(ours.map(({ type }) => type))].sort();
}

/** The CLI's warnings, except those about where the toolchain has its plugins. */
function warnings({ output }: Run): string[] {
  return output.split("\n").filter((line) => /^\s*warning: (?!using pulumi-resource-)/.test(line));
}

describe("the first preview of", () => {
  /** The components that each example declares, and the warnings of its preview. */
  const expected: Record<string, { components: string[]; warnings: RegExp[] }> = {
    "images.yaml": {
      components: ["ImageMirror", "MaasBootSource"],
      warnings: [/products that this mirror does not have: MAAS must not select centos/],
    },
    "maas.yaml": {
      components: [
        "AptMirror",
        "CustomImage",
        "ImageMirror",
        "MaasArchive",
        "MaasBootSource",
        "MaasSettings",
      ],
      warnings: [/products that this mirror does not have: MAAS must not select centos/],
    },
    "packages-untouched.yaml": {
      components: ["AptMirror"],
      warnings: [/also offers universe, which this mirror does not have/, /at a phase below 100 %/],
    },
    "packages.yaml": {
      components: ["AptMirror", "ClientCheck"],
      // The lab's archive does not have libc6.
      warnings: [/dependencies that nothing in these suites satisfies: libc6/],
    },
  };

  test("every example is tested", () => {
    const names = readdirSync(examples).filter((name) => name.endsWith(".yaml"));
    expect(Object.keys(expected)).toEqual(names.sort());
  });

  test.each(Object.entries(expected))(
    "%s creates the declared components",
    async (name, { components: kinds, warnings: expectedWarnings }) => {
      const [, values = ""] = withKeysOfLab(text(name)).split(/^config:\n/m);
      stack.configure(values);
      const run = succeeded(await stack.preview());
      expect(components(run)).toEqual(kinds);
      expect(Object.keys(run.counts)).toEqual(["create"]);
      expect(warnings(run)).toEqual(expectedWarnings.map((each) => expect.stringMatching(each)));
    },
    90_000,
  );

  test("the program creates the declared components", async () => {
    release.runProgram("dc1.ts", withKeysOfLab(text("program.ts")));
    stack.configure("");
    const run = succeeded(await stack.preview());
    expect(components(run)).toEqual(["AptMirror"]);
    expect(run.steps).toContainEqual(expect.objectContaining({ type: "Files", name: "client.dc1-apt" }));
    expect(Object.keys(run.counts)).toEqual(["create"]);
    expect(warnings(run)).toEqual([]);
  }, 90_000);
});
