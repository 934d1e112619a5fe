import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

test("a phase that does not exist is refused before anything runs, and is not a success", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, "../../../../toolchain/testing/all.ts")],
    { env: { ...process.env, AIRGAPPED_MAAS_TEST_PHASES: "lint,unit" }, encoding: "utf8" },
  );
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: "",
    stderr: "AIRGAPPED_MAAS_TEST_PHASES: there is no phase unit. Phases: lint, units, hosts.\n",
  });
});
