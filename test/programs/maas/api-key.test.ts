import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { apiKeyFrom, apiKeyScript, parseApiKey } from "../../../maas/api-key.ts";

const one = `${"a".repeat(18)}:${"b".repeat(18)}:${"c".repeat(32)}`;
const two = `${"d".repeat(18)}:${"e".repeat(18)}:${"f".repeat(32)}`;

describe("reading the API key on the region host", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "airgapped-maas-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs the script with this shell script as `maas`, or without `maas`. */
  function ask(maas?: string) {
    if (maas !== undefined) writeFileSync(join(folder, "maas"), `#!/bin/sh\n${maas}\n`, { mode: 0o755 });
    const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", apiKeyScript("admin")], {
      encoding: "utf8",
      env: { PATH: folder },
    });
    return () => apiKeyFrom({ code: status ?? 1, stdout, stderr }, "admin", "maas.dc1");
  }

  test("asks for the keys of the user, and uses the oldest one", () => {
    const key = ask(
      `[ "$*" = "apikey --username admin" ] || exit 9\necho a warning of snapd >&2\necho ${one}\necho ${two}`,
    );
    expect(key()).toEqual(parseApiKey(one));
  });

  test.each([
    ["a missing maas command", undefined, /no `maas` command on this host\n.*region host/],
    [
      "an unknown user",
      'echo "CommandError: User does not exist." >&2; exit 1',
      /MAAS has no user admin\n.*maas.user/,
    ],
    ["a user without a key", "exit 0", /has no API key\n.*--generate/],
    [
      "a host with only the MAAS client",
      "echo \"maas: error: argument COMMAND: invalid choice: 'apikey'\" >&2; exit 2",
      /not a region controller's/,
    ],
    [
      "a database that does not answer",
      'echo "could not connect to server" >&2; exit 1',
      /could not connect to server\n.*database/,
    ],
    ["a failure without a message", "exit 4", /ended with 4 and printed nothing/],
  ])("reports what to do about %s", (_, maas, message) => {
    expect(ask(maas)).toThrow(message);
    expect(ask(maas)).toThrow(/^host maas.dc1: reading the API key of the MAAS user admin/);
  });

  test("does not show a key that is printed together with an error", () => {
    expect(ask(`echo ${one}; echo broken >&2; exit 1`)).toThrow(/broken/);
    expect(ask(`echo ${one}; echo broken >&2; exit 1`)).not.toThrow(/cccc/);
  });
});
