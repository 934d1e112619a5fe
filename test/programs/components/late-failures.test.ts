import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { identity } from "../hosts/small-web.ts";

test("an invalid late value is refused, with one error like that of a plain value, and no resource gets it", async () => {
  const [own, other] = [identity("IP:127.0.0.1"), identity("DNS:other")];
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, "failing-program.ts"),
    JSON.stringify([own.certificate, other.key]),
  ]);
  // These resources of a mirror have no part of the invalid values.
  const declared = ["m-packages", "m-key"];
  expect(JSON.parse(stdout)).toEqual({
    "a list": { errors: ["AptMirror m has invalid arguments:\n  suites[1]: is listed twice"], declared },
    "a password": {
      errors: [
        expect.stringMatching(
          /^AptMirror m has [^\n]*\n {2}upstream\.credentials\.password: has characters that no/,
        ),
      ],
      declared,
    },
    "a key": {
      errors: [
        expect.stringMatching(
          /^AptMirror m has [^\n]*\n {2}upstream\.clientCertificate\.key: is not the key of the/,
        ),
      ],
      declared,
    },
    "what a mirror holds": {
      errors: [
        "MaasArchive archive has invalid arguments:\n  mainArchive.mirror: is for amd64, i386, and the mirror holds arm64",
      ],
      declared: [],
    },
    "a boot source": {
      errors: [
        expect.stringMatching(
          /^MaasBootSource images has invalid arguments:\n {2}others\.Other: is not a name/,
        ),
      ],
      declared: [],
    },
  });
  expect(stdout).not.toContain("hidden");
});
