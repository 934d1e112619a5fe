import { expect, test } from "@jest/globals";
import type { Host } from "../../../../hosts/host.ts";
import type { FormerKey } from "../../../../resources/host/signing-key/key-probe.ts";
import { formerKeyDirectory, keyDirectory, signingKey } from "../../../../resources/host/signing-key.ts";
import type { ResourceContext } from "../../../../resources/kernel/definition.ts";

const wanted = {
  host: "h",
  userId: "Mirror of dc1",
  directory: "/k/new",
  formerDirectory: "/k/former",
  keepOnRemove: true,
};

/** The place of a key on a host with these files. */
async function placed(found: FormerKey | undefined, previous?: string): Promise<string | undefined> {
  const context = {
    id: "signingkey-a",
    host: { facts: async () => found } as unknown as Host,
  } as ResourceContext;
  const before = previous === undefined ? undefined : { ...wanted, directory: previous };
  const settled = await signingKey.resolveInputs?.(context, wanted, before);
  expect(settled).not.toHaveProperty("formerDirectory");
  return settled?.directory;
}

test("a key stays where the state has it, and one that a destroyed mirror left is used", async () => {
  expect(await placed(undefined)).toBe("/k/new");
  expect(await placed(undefined, "/k/former")).toBe("/k/former");
  expect(await placed({ userId: "Mirror of dc1", others: ["x"] }, "/k/former")).toBe("/k/former");
  expect(await placed({ userId: "Mirror of dc1", others: ["x"] }, "/k/new")).toBe("/k/new");
  expect(await placed({ userId: "Mirror of dc1", others: [] })).toBe("/k/former");
  expect(await placed({ userId: undefined, others: [] })).toBe("/k/former");
  // The key of another stack: its stack name and mirror name together give the same text.
  expect(await placed({ userId: "Mirror of dc1-west", others: ["x"] })).toBe("/k/new");
});

test("a key that somebody declares is not taken over: both ways on are named", async () => {
  const others = ["signingkey-dc1-mirror-key"];
  await expect(placed({ userId: "Mirror of dc1", others })).rejects.toThrow(
    /signingkey-dc1-mirror-key created with an earlier release.*nameOnHost.*\/k\/new/s,
  );
});

test("directories of keys are distinct, and short enough for gpg's sockets", () => {
  const long = keyDirectory("a".repeat(31));
  expect(keyDirectory("ubuntu")).toMatch(/^\/var\/lib\/airgapped-maas\/keys\/ubuntu_of_.*_of_/);
  expect(long.length).toBeLessThanOrEqual(80);
  expect(keyDirectory(`${"a".repeat(60)}b`)).not.toBe(keyDirectory(`${"a".repeat(60)}c`));
  expect(keyDirectory(`${"a".repeat(60)}b`).length).toBeLessThanOrEqual(80);
  expect(formerKeyDirectory("ubuntu")).toMatch(/^\/var\/lib\/airgapped-maas\/keys\/[^_]+-ubuntu$/);
});
