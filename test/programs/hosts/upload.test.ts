import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { replaceFileScript } from "../../../hosts/upload.ts";
import { runHere } from "../../host-on-this-machine.ts";
import { Intrusion, intruder } from "../resources/host/intruder.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "upload-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const mine = { owner: String(process.getuid?.()), group: String(process.getgid?.()) };

test.each(["plain", "it's", "a b", "-rf", "new\nline\n", "$(id)", "*"])(
  "an uploaded file may have the name %j, and nothing else stays",
  async (name) => {
    const path = join(root, name);
    writeFileSync(path, "old");
    const script = replaceFileScript(path, { mode: 0o4750, ...mine });
    expect(await runHere(script, "new")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(statSync(path).mode & 0o7777).toBe(0o4750);
    expect(readdirSync(root)).toEqual([name]);
  },
);

test("an upload that fails leaves only the old file", async () => {
  const path = join(root, "file");
  writeFileSync(path, "old");
  const script = replaceFileScript(path, { mode: 0o644, ...mine, owner: "no-such-user" });
  expect(await runHere(script, "new")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no-such-user"),
  });
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(readdirSync(root)).toEqual(["file"]);
});

// Only root can change another user's files.
describe.each(process.getuid?.() === 0 ? ["in a directory of another user"] : [])("%s", () => {
  test.each(["file", "directory"] as const)(
    "an upload does not follow a link in the place of its temporary name to root's %s",
    async (victim) => {
      const intrusion = new Intrusion(root);
      const before = intrusion.victims();
      const attributes = { mode: 0o4755, owner: String(intruder), group: String(intruder) };
      let isReached = true;
      let nth = 0;
      while (isReached) {
        nth++;
        const script = replaceFileScript(join(intrusion.directory, "ours"), attributes);
        const [, name = ""] = /\/(\.airgapped-maas\.\w+)/.exec(script) ?? [];
        isReached = await intrusion.at(nth, name, victim, script);
        expect({ nth, victims: intrusion.victims() }).toEqual({ nth, victims: before });
      }
      expect(nth).toBeGreaterThan(4);
    },
    60_000,
  );
});
