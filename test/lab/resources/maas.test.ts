import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { airgappedProfile } from "../../../components/maas/settings-args.ts";
import { hostNamed } from "../../../hosts/connections.ts";
import { workstationAddress } from "../../../lab/hosts.ts";
import { type Manifest, manifestDifferences } from "../../../lab/manifest.ts";
import { until } from "../../../lab/until.ts";
import { parseApiKey } from "../../../maas/api-key.ts";
import { MaasClient } from "../../../maas/client.ts";
import { getConfig, setConfig } from "../../../maas/operations/config.ts";
import { listPackageRepositories } from "../../../maas/operations/package-repositories.ts";
import type { Properties } from "../../../resources/kernel/stored-properties.ts";
import { maasArchive } from "../../../resources/maas/archive.ts";
import { maasSettings } from "../../../resources/maas/settings.ts";
import { control } from "../../contract/maas/control.ts";
import { adminKey, RegionProcess, userKey } from "../../contract/maas/region-process.ts";
import { LifeCycle, ResourceLab } from "./life-cycle.ts";

/**
 * The region's API runs on the workstation and the host reaches it. The output of `maas apikey` is on the
 * host.
 */
let bed: ResourceLab;
let region: RegionProcess;
let folder: string;
let url: string;
let before: Manifest;
let somebody: MaasClient;
const values = Object.fromEntries(Object.entries(airgappedProfile).map(([name, { value }]) => [name, value]));
const names = Object.keys(values);

beforeAll(async () => {
  bed = await ResourceLab.up("res-maas", ["mirror"]);
  folder = mkdtempSync(join(tmpdir(), "airgapped-maas-test-"));
  const files = ["--state", join(folder, "state.json"), "--control", join(folder, "control")];
  region = await RegionProcess.start("3.6", "--host", "0.0.0.0", ...files);
  const workstation = bed.lab.address("mirror", "outside").replace(/\d+$/, String(workstationAddress));
  url = `http://${workstation}:${new URL(region.origin).port}/MAAS`;
  await bed.sh(`cat > /usr/local/bin/maas <<'end'
#!/bin/sh
case "$*" in
  "apikey --username admin") echo ${adminKey} ;;
  "apikey --username user1") echo ${userKey} ;;
  *) echo "CommandError: User does not exist." >&2; exit 1 ;;
esac
end
chmod 755 /usr/local/bin/maas`);
  const host = hostNamed("mirror");
  somebody = new MaasClient({
    url,
    key: parseApiKey(adminKey),
    transport: (at, request) => host.fetch(at, request),
  });
  before = await bed.manifest();
}, 600_000);
afterAll(async () => {
  await region?.stop();
  await bed?.down();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const wants = (settings: Properties): Properties => ({ host: "mirror", maas: { url }, settings });
const settingsThere = async () =>
  Object.fromEntries(await Promise.all(names.map(async (name) => [name, await getConfig(somebody, name)])));
const differences = async () => manifestDifferences(before, await bed.manifest());

describe("MAAS settings through the region host", () => {
  test("are set with the API key that root reads, and a removal restores them without traces", async () => {
    const factory = await settingsThere();
    const life = new LifeCycle(maasSettings, "settings");
    expect((await life.up(wants(values))).change).toBe("create");
    expect(await settingsThere()).toEqual(values);
    expect((await life.preview(wants(values))).change).toBe("none");
    expect(await bed.sh("cd /var/lib/airgapped-maas/before; stat -c '%a %U' *; cat *")).toBe(
      `600 root\n${JSON.stringify(factory)}`,
    );
    await setConfig(somebody, "dnssec_validation", "yes");
    const { differs } = await life.preview(wants(values));
    expect(differs).toEqual({ "settings[dnssec_validation]": ["yes", "no"] });
    await life.up(wants(values));
    await life.destroy();
    expect(await settingsThere()).toEqual(factory);
    expect(await differences()).toEqual([]);
  }, 120_000);

  test("have their previous values in the ledger: after a kill at any moment, the next update continues", async () => {
    const factory = await settingsThere();
    for (const writes of [0, 1, 4, names.length - 1]) {
      await control(join(folder, "control"), { slow: 0.1 });
      const killed = applyInAProcess("killed", wants(values));
      const gone = once(killed, "exit");
      await until(`${writes} settings`, 60_000, () => {
        const { config } = JSON.parse(readFileSync(join(folder, "state.json"), "utf8"));
        const written = names.filter((name) => (config[name] ?? factory[name]) !== factory[name]);
        return written.length >= writes;
      });
      killed.kill("SIGKILL");
      await gone;
      await control(join(folder, "control"), { slow: 0 });
      const life = new LifeCycle(maasSettings, "killed");
      await life.up(wants(values));
      expect(await settingsThere()).toEqual(values);
      await life.destroy();
      expect(await settingsThere()).toEqual(factory);
    }
    expect(await differences()).toEqual([]);
  }, 240_000);

  test("are refused for a wrong user, URL or host, and the error names it", async () => {
    const up = (more: Properties) => new LifeCycle(maasSettings, "refused").up({ ...wants(values), ...more });
    await expect(up({ maas: { url, user: "nobody" } })).rejects.toThrow(
      /host mirror: .*MAAS has no user nobody/,
    );
    await expect(up({ maas: { url, user: "user1" } })).rejects.toThrow(/its user user1 is not an admin/);
    await expect(up({ maas: { url: url.replace("MAAS", "other") } })).rejects.toThrow(/maas.url/);
    await bed.sh("mv /usr/local/bin/maas /root/maas");
    try {
      await expect(up({ maas: { url, user: "somebody" } })).rejects.toThrow(/no `maas` command on this host/);
    } finally {
      await bed.sh("mv /root/maas /usr/local/bin/maas");
    }
  }, 60_000);
});

test("MAAS archives are set through the region host, and a removal restores the previous ones", async () => {
  const factory = await listPackageRepositories(somebody);
  const life = new LifeCycle(maasArchive, "archive");
  const declared = {
    host: "mirror",
    maas: { url },
    archives: { main_archive: { url: "http://mirror.dc1.example/ubuntu" } },
    repositories: { own: { url: "http://mirror.dc1.example/own" } },
  };
  await life.up(declared);
  expect(life.heard.warnings).toEqual([
    expect.stringMatching(/^main_archive: .*noble\/InRelease cannot be read from mirror/),
    expect.stringMatching(/^own: /),
  ]);
  expect((await life.preview(declared)).change).toBe("none");
  expect(await listPackageRepositories(somebody)).toHaveLength(factory.length + 1);
  await life.destroy();
  expect(await listPackageRepositories(somebody)).toEqual(factory);
  expect(await differences()).toEqual([]);
}, 60_000);

test("an archive that only a killed update declared is restored by the next update", async () => {
  const factory = await listPackageRepositories(somebody);
  const life = new LifeCycle(maasArchive, "reverted");
  const declared = (changes: Properties) => ({
    host: "mirror",
    maas: { url },
    repositories: { own: { url: "http://mirror.dc1.example/own" } },
    ...changes,
  });
  await life.up(declared({}));
  // The state of the killed update is lost: this one stands for it.
  await new LifeCycle(maasArchive, "reverted").up(
    declared({
      archives: { ports_archive: { url: "http://mirror.dc1.example/ports" } },
      repositories: {
        own: { url: "http://mirror.dc1.example/own" },
        other: { url: "http://mirror.dc1.example/other" },
      },
    }),
  );
  expect(await listPackageRepositories(somebody)).toHaveLength(factory.length + 2);
  await life.up(declared({ repositories: { own: { url: "http://mirror.dc1.example/changed" } } }));
  const left = await listPackageRepositories(somebody);
  expect(left.filter(({ name }) => name !== "own")).toEqual(factory);
  await life.destroy();
  expect(await listPackageRepositories(somebody)).toEqual(factory);
  expect(await differences()).toEqual([]);
}, 60_000);

function applyInAProcess(name: string, inputs: object): ChildProcess {
  const program = join(import.meta.dirname, "apply-in-a-process.ts");
  const argv = [bed.lab.paths.sshConfig, "MaasSettings", name, JSON.stringify(inputs)];
  return spawn(process.execPath, [program, ...argv], { stdio: "inherit" });
}
