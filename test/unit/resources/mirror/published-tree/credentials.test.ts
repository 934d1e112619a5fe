import { beforeEach, describe, expect, test } from "@jest/globals";
import * as pulumi from "@pulumi/pulumi";
import type { ResourceContext } from "../../../../../resources/kernel/definition.ts";
import { Redaction } from "../../../../../resources/kernel/redaction.ts";
import { AptTree, aptTree } from "../../../../../resources/mirror/apt/tree.ts";
import { ImageTree, imageTree } from "../../../../../resources/mirror/images/tree.ts";
import { accessWarnings } from "../../../../../resources/mirror/published-tree/upstream-access.ts";

const common = {
  host: "mirror",
  directory: "/srv/m",
  store: "/srv/m/store",
  upstream: "https://a.example/u",
  plan: "p",
  bytes: 1,
  fetch: { parallel: 1, stallSeconds: 30, username: "user" },
  secrets: { password: "first word", clientKey: "line one\nline two" },
  deleteContent: false,
};
const apt = { ...common, signing: "upstream" as const, suites: {}, packages: 1, keepSnapshots: 2 };
const images = { ...common, updated: { index: "d", products: {} }, images: {}, files: 1, keepSnapshots: 2 };

/** A host that must not be used. */
const untouched = { id: "m", host: {}, progress: fail, warn: fail } as unknown as ResourceContext;
function fail(): never {
  throw new Error("something was done");
}

test("a change of only the password, the proxy or the transfer rate publishes nothing", async () => {
  const outputs = { tree: "000001-aaaaaaaaaaaa" };
  const changes = {
    secrets: { password: "second word" },
    fetch: { parallel: 9, stallSeconds: 9, proxy: "http://p.example", slowestBytesPerSecond: 9 },
  };
  expect(await aptTree.apply(untouched, { ...apt, ...changes }, { inputs: apt, outputs })).toBe(outputs);
  expect(await imageTree.apply(untouched, { ...images, ...changes }, { inputs: images, outputs })).toBe(
    outputs,
  );
});

describe("the stored secrets of the access to upstream", () => {
  let registered: Record<string, pulumi.runtime.MockResourceArgs>;
  beforeEach(async () => {
    registered = {};
    await pulumi.runtime.setMocks(
      {
        newResource(args) {
          registered[args.name] = args;
          return { id: args.name, state: args.inputs };
        },
        call: () => ({}),
      },
      "airgapped-maas",
      "dev",
    );
  });

  test("are encrypted in the state", async () => {
    new AptTree("apt", apt);
    new ImageTree("images", images);
    await pulumi.runtime.disconnect();
    const isSecret = expect.objectContaining({
      "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    });
    for (const { inputs } of Object.values(registered)) {
      expect(inputs.secrets).toEqual(isSecret);
      expect(JSON.stringify({ ...inputs, secrets: undefined })).not.toMatch(/first word|line one/);
    }
    expect(Object.keys(registered)).toEqual(["apt", "images"]);
  });

  test("are replaced in messages", () => {
    for (const definition of [aptTree, imageTree]) {
      const redaction = new Redaction(definition.secrets).learn(common);
      expect(redaction.text("curl said first word, first%20word and line two to user")).toBe(
        "curl said [secret], [secret] and [secret] to user",
      );
    }
  });
});

test("a preview warns about a password that is sent over http", () => {
  const credentials = { username: "u", password: "p" };
  expect(accessWarnings("http://a.example", { credentials })).toEqual([
    expect.stringMatching(/are sent over http/),
  ]);
  expect(accessWarnings("https://a.example", { credentials })).toEqual([]);
  expect(accessWarnings("http://a.example", {})).toEqual([]);
});
