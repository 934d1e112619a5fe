import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { identity } from "../hosts/small-web.ts";

test("a wrong late value is reported once, with the same message as a plain value", async () => {
  const [own, other] = [identity("IP:127.0.0.1"), identity("DNS:other")];
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, "failing-program.ts"),
    JSON.stringify([own.certificate, other.key]),
  ]);
  expect(JSON.parse(stdout)).toEqual({
    "a list": ["AptMirror m has invalid arguments:\n  suites[1]: is listed twice"],
    "a password": [
      expect.stringMatching(
        /^AptMirror m has [^\n]*\n {2}upstream\.credentials\.password: has characters that no/,
      ),
    ],
    "a key": [
      expect.stringMatching(
        /^AptMirror m has [^\n]*\n {2}upstream\.clientCertificate\.key: is not the key of the/,
      ),
    ],
    "what a mirror holds": [
      "MaasArchive archive has invalid arguments:\n  mainArchive.mirror: is for amd64, i386, and the mirror holds arm64",
    ],
    "a boot source": [
      expect.stringMatching(
        /^MaasBootSource images has invalid arguments:\n {2}others\.Other: is not a name/,
      ),
    ],
  });
  expect(stdout).not.toContain("hidden");
});
