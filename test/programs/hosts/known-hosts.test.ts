import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { fingerprint, keysFor, readKnownHosts, verdictOn } from "../../../hosts/known-hosts.ts";

let folder: string;
const keys: Record<"a" | "b" | "rsa", { line: string; blob: Buffer; fingerprint: string }> = {} as never;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "known-hosts-"));
  for (const [name, type] of [
    ["a", "ed25519"],
    ["b", "ed25519"],
    ["rsa", "rsa"],
  ] as const) {
    const file = join(folder, name);
    execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", file]);
    const [keyType, base64] = readFileSync(`${file}.pub`, "utf8").split(" ");
    const shown = execFileSync("ssh-keygen", ["-lf", `${file}.pub`], { encoding: "utf8" }).split(" ")[1];
    keys[name] = {
      line: `${keyType} ${base64}`,
      blob: Buffer.from(base64 ?? "", "base64"),
      fingerprint: shown ?? "",
    };
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

test("names that ssh-keygen -H hashed are found in known_hosts, with and without a port", async () => {
  const file = join(folder, "hashed");
  writeFileSync(file, `mirror.dc1 ${keys.a.line}\n[mirror.dc1]:2222 ${keys.b.line}\n`);
  execFileSync("ssh-keygen", ["-q", "-H", "-f", file], { stdio: "ignore" });
  expect(readFileSync(file, "utf8")).not.toContain("mirror");
  const hosts = await readKnownHosts([join(folder, "there-is-none"), file]);
  expect(verdictOn(keysFor(hosts, "mirror.dc1", 22), keys.a.blob)).toBe("known");
  expect(verdictOn(keysFor(hosts, "mirror.dc1", 2222), keys.b.blob)).toBe("known");
  expect(verdictOn(keysFor(hosts, "mirror.dc1", 2222), keys.a.blob)).toBe("changed");
  expect(verdictOn(keysFor(hosts, "other.dc1", 22), keys.a.blob)).toBe("unknown");
});

test("fingerprints are the same as those of ssh-keygen", () => {
  for (const key of Object.values(keys)) expect(fingerprint(key.blob)).toBe(key.fingerprint);
});
