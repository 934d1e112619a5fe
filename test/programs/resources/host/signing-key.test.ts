import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { RunOptions } from "../../../../hosts/host.ts";
import { signingKey } from "../../../../resources/host/signing-key.ts";
import { HostOnThisMachine } from "../../../host-on-this-machine.ts";
import { intruder } from "./intruder.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "key-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

class HostWithOwnLock extends HostOnThisMachine {
  override run(script: string, options?: RunOptions) {
    return super.run(script.replaceAll("/run/airgapped-maas", join(root, "lock")), options);
  }
}

async function make(directory: string): Promise<unknown> {
  const host = new HostWithOwnLock("here", join(root, "host"));
  const context = { id: "key_of_dc1_of_p", host, progress: () => {}, warn: () => {} };
  const inputs = { host: "here", userId: "Mirror <mirror@example.org>", directory };
  return signingKey.apply(context, await signingKey.inputs.parseAsync(inputs), undefined);
}

// Only root can make a directory of another user.
describe.each(process.getuid?.() === 0 ? ["a key"] : [])("%s", () => {
  test.each(["keys", "below/keys"])(
    "is not made below a directory of another user, in %s",
    async (name) => {
      const theirs = join(root, "theirs");
      mkdirSync(join(theirs, "below"), { recursive: true });
      chownSync(theirs, intruder, intruder);
      await expect(make(join(theirs, name))).rejects.toThrow(/another user[\s\S]*only root can change/);
      expect(readdirSync(theirs, { recursive: true })).toEqual(["below"]);
      expect(existsSync(join(root, "host/lib/paths"))).toBe(false);
    },
    60_000,
  );

  test("is not made in a directory with other files", async () => {
    mkdirSync(join(root, "keys"));
    writeFileSync(join(root, "keys/file"), "theirs");
    await expect(make(join(root, "keys"))).rejects.toThrow(/contains other files/);
    expect(readdirSync(join(root, "keys"))).toEqual(["file"]);
  });
});
