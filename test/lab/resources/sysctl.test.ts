import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type Manifest, manifestDifferences } from "../../../lab/manifest.ts";
import { sysctl } from "../../../resources/host/sysctl.ts";
import { DefinitionProvider } from "../../../resources/kernel/provider.ts";
import { hidden } from "../../../resources/kernel/stored-properties.ts";
import { LifeCycle, ResourceLab } from "./life-cycle.ts";

/*
 * Settings of a network namespace, the only ones that a container may change.
 */
const ttl = "net.ipv4.ip_default_ttl";
const ports = "net.ipv4.ip_local_port_range";

let bed: ResourceLab;
let before: Manifest;
const made: LifeCycle[] = [];
beforeAll(async () => {
  bed = await ResourceLab.up("sysctl", ["mirror"]);
  await bed.sh(`sysctl -q -w ${ttl}=64 '${ports}=32768 60999'`);
}, 300_000);
afterAll(() => bed?.down());
beforeEach(async () => {
  before = await bed.manifest();
});
afterEach(async () => {
  for (const life of made.splice(0)) await life.destroy().catch(() => {});
});

function resource(name: string): LifeCycle {
  const life = new LifeCycle(sysctl, name);
  made.push(life);
  return life;
}

const wants = (settings: Record<string, string | number>) => ({ host: "mirror", settings });
const live = async (name: string) => (await bed.sh(`sysctl -n ${name}`)).trim().replaceAll(/\s+/g, " ");
const bootFiles = () => bed.sh("cat /etc/sysctl.d/90-airgapped-maas-*.conf 2>/dev/null || true");
const ledger = () => bed.sh("ls /var/lib/airgapped-maas 2>/dev/null || true");

describe("kernel settings", () => {
  test("are set now and at every boot, have no drift, and a removal restores them", async () => {
    const life = resource("life");
    await life.up(wants({ [ttl]: 65, [ports]: "20000  \t 50000" }));
    expect([await live(ttl), await live(ports)]).toEqual(["65", "20000 50000"]);
    expect(await bootFiles()).toBe(`${ttl} = 65\n${ports} = 20000 50000\n`);
    expect((await life.preview(wants({ [ttl]: 65, [ports]: "20000 50000" }))).change).toBe("none");
    await life.up(wants({ [ttl]: 66 }));
    expect([await live(ttl), await live(ports)]).toEqual(["66", "32768 60999"]);
    expect(await bootFiles()).toBe(`${ttl} = 66\n`);
    await life.destroy();
    expect([await live(ttl), await ledger()]).toEqual(["64", ""]);
    expect(manifestDifferences(before, await bed.manifest())).toEqual([]);
  }, 120_000);

  test.each([
    ["another value", `sysctl -q -w ${ttl}=7`, { [`settings[${ttl}]`]: ["7", "65"] }],
    [
      "an edited boot file",
      "echo '# mine' >> /etc/sysctl.d/90-airgapped-maas-*.conf",
      { "status[bootFile]": ["changed by hand", "as declared"] },
    ],
    [
      "no boot file",
      "rm /etc/sysctl.d/90-airgapped-maas-*.conf",
      { "status[bootFile]": ["missing", "as declared"] },
    ],
  ] as const)(
    "with drift to %s are reported and repaired",
    async (_, change, differs) => {
      const life = resource("drift");
      await life.up(wants({ [ttl]: 65 }));
      await bed.sh(change);
      expect((await life.up(wants({ [ttl]: 65 }))).differs).toEqual(differs);
      expect([await live(ttl), await bootFiles()]).toEqual(["65", `${ttl} = 65\n`]);
      expect((await life.preview(wants({ [ttl]: 65 }))).change).toBe("none");
    },
    120_000,
  );

  test("changed by an update whose state was lost are restored to the values before it", async () => {
    await resource("killed").up(wants({ [ttl]: 65 }));
    // The host's ledger remains when the state is lost.
    const again = resource("killed");
    await again.up(wants({ [ttl]: 66 }));
    await again.destroy();
    expect([await live(ttl), await ledger()]).toEqual(["64", ""]);
  }, 120_000);

  test("that only a killed update set are restored by the next update, if they are no longer declared", async () => {
    const life = resource("reverted");
    await life.up(wants({ [ttl]: 65 }));
    // The state of the killed update is lost: this one stands for it.
    await resource("reverted").up(wants({ [ttl]: 65, [ports]: "20000 50000" }));
    await life.up(wants({ [ttl]: 65 }));
    expect([await live(ttl), await live(ports)]).toEqual(["65", "32768 60999"]);
    await life.destroy();
    expect([await live(ttl), await ledger()]).toEqual(["64", ""]);
  }, 120_000);

  test("that the kernel no longer has are reported, and do not make an update or a removal fail", async () => {
    const gone = "net.ipv4.conf.lab0.rp_filter";
    for (const end of ["update", "removal"]) {
      const life = resource(`gone-${end}`);
      await bed.sh("ip link add lab0 type veth peer name lab1");
      await life.up(wants({ [ttl]: 65, [gone]: 2 }));
      await bed.sh("ip link del lab0");
      // The first refresh reads only the settings that are left, and the second one the boot file for these.
      for (let times = 0; times < 2 && end === "update"; times++) await life.up(wants({ [ttl]: 65 }));
      if (end === "removal") await life.destroy();
      expect(life.heard.warnings).toEqual([expect.stringContaining(`no longer has ${gone}`)]);
      await life.destroy();
      expect([await live(ttl), await ledger()]).toEqual(["64", ""]);
    }
  }, 120_000);

  test("that the kernel does not have are refused before any change", async () => {
    await expect(resource("unknown").up(wants({ [ttl]: 65, "net.ipv4.no_such": 1 }))).rejects.toThrow(
      /the kernel has no net\.ipv4\.no_such[\s\S]*load its module/,
    );
    expect([await live(ttl), await bootFiles()]).toEqual(["64", ""]);
  }, 120_000);

  test("that the kernel refuses are an error with its message, and can be corrected", async () => {
    const life = resource("refused");
    await expect(life.up(wants({ [ttl]: 1000 }))).rejects.toThrow(/Invalid argument/);
    await life.up(wants({ [ttl]: 65 }));
    await life.destroy();
    expect([await live(ttl), await ledger()]).toEqual(["64", ""]);
  }, 120_000);

  test.each([65, 66])(
    "belong to one resource: a second one that declares the value %s is refused",
    async (value) => {
      const one = resource("one");
      await one.up(wants({ [ttl]: 65 }));
      await expect(resource("two").up(wants({ [ttl]: value }))).rejects.toThrow(
        `sysctl ${ttl}: sysctl-test-one on this host already declares it`,
      );
      expect(await live(ttl)).toBe("65");
      await one.destroy();
      expect([await live(ttl), await ledger()]).toEqual(["64", ""]);
    },
    120_000,
  );

  test("of another resource are not recorded as original values, if only the update refuses the second one", async () => {
    const provider = new DefinitionProvider(sysctl);
    const given = { ...wants({ [ttl]: 66 }), [hidden.name]: "test-late", [hidden.urn]: "" };
    const { inputs } = await provider.check({}, given);
    const one = resource("early");
    await one.up(wants({ [ttl]: 65 }));
    await expect(provider.create(inputs)).rejects.toThrow(
      /sysctl-test-early on this host already declares it/,
    );
    expect((await bed.sh("ls /var/lib/airgapped-maas/before")).trim()).toBe("sysctl-test-early.json");
    await one.destroy();
    expect([await live(ttl), await ledger()]).toEqual(["64", ""]);
  }, 120_000);

  test("are refused if their names are not written with dots", async () => {
    await expect(resource("slashes").up(wants({ [ttl.replaceAll(".", "/")]: 65 }))).rejects.toThrow(
      /must be a name with dots/,
    );
  }, 120_000);

  test("whose removal fails stay in the state, and the next removal restores them", async () => {
    const life = resource("stuck");
    await life.up(wants({ [ttl]: 65 }));
    await bed.sh(
      "mv /sbin/sysctl /sbin/sysctl.real; printf '#!/bin/sh\ncase $1 in -q) echo no >&2; exit 1;; esac\nexec /sbin/sysctl.real \"$@\"' >/sbin/sysctl; chmod +x /sbin/sysctl",
    );
    await expect(life.destroy()).rejects.toThrow(/setting net\.ipv4/);
    await bed.sh("mv /sbin/sysctl.real /sbin/sysctl");
    expect((await life.preview(wants({ [ttl]: 65 }))).change).toBe("none");
    await life.destroy();
    expect([await live(ttl), await ledger()]).toEqual(["64", ""]);
  }, 120_000);
});
