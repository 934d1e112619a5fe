import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { RunOptions } from "../../../../hosts/host.ts";
import { services } from "../../../../resources/host/services.ts";
import { PartlyApplied, type ResourceContext } from "../../../../resources/kernel/definition.ts";
import { digestOf } from "../../../../values/digest.ts";
import { HostOnThisMachine } from "../../../host-on-this-machine.ts";

const id = "web_of_dc1_of_p";
const unitFile = "/etc/systemd/system/airgapped-maas-new.service";
const leftUnit = "airgapped-maas-left.service";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "services-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** This machine, with a systemctl that records its arguments and reports every unit as running. */
class HostWithUnits extends HostOnThisMachine {
  override run(script: string, options?: RunOptions) {
    const own = script.replaceAll("/run/airgapped-maas", join(root, "run"));
    return super.run(`PATH=${join(root, "bin")}:$PATH\n${own}`, options);
  }
}

function place(path: string, text: string, mode = 0o644): void {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), text, { mode });
}

function ledger(): string {
  const script = 'cd "$1" && find . -printf "%p %y\\n" | sort && find . -type f | sort | xargs grep -H .';
  return execFileSync("sh", ["-c", script, "-", join(root, "host/lib")], { encoding: "utf8" });
}

test("a path that another resource declares is refused before a service is stopped or claimed", async () => {
  const systemctl = `#!/bin/sh
echo "$*" >>${root}/calls
case "$*" in *LoadState*) echo loaded ;; *ActiveState*) echo active ;; *UnitFileState*) echo enabled ;; esac
`;
  place("bin/systemctl", systemctl, 0o755);
  place("calls", "");
  place(`host/lib/services/${leftUnit}/found`, "loaded/disabled/inactive\n");
  place(`host/lib/services/${leftUnit}/claims/${id}`, "enabled true running true\n");
  place(`host/lib/paths/${digestOf(unitFile)}/path`, unitFile);
  place(`host/lib/paths/${digestOf(unitFile)}/claims/other_of_dc2_of_p`, "absent\n");
  const before = ledger();
  const host = new HostWithUnits("here", join(root, "host"));
  const context: ResourceContext = { id, host, progress: () => {}, warn: () => {} };
  const wanted = await services.inputs.parseAsync({
    host: "here",
    services: { "airgapped-maas-new.service": { unit: "[Service]\nExecStart=true\n" } },
  });
  const error = await services.apply(context, wanted, undefined).catch((thrown: Error) => thrown);
  expect(error).toBeInstanceOf(PartlyApplied);
  expect((error as PartlyApplied).message).toMatch(
    new RegExp(
      `claiming ${unitFile}: other of the stack dc2 \\(project p\\) on this host already declares it`,
    ),
  );
  expect(ledger()).toBe(before);
  const calls = readFileSync(join(root, "calls"), "utf8").split("\n").filter(Boolean);
  expect(calls.filter((call) => !call.startsWith("show "))).toEqual([]);
});
