import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type Manifest, manifestDifferences } from "../../../lab/manifest.ts";
import { until } from "../../../lab/until.ts";
import { packages } from "../../../resources/host/packages.ts";
import { LifeCycle, ResourceLab } from "./life-cycle.ts";

let bed: ResourceLab;
let before: Manifest;
const made: LifeCycle[] = [];

beforeAll(async () => {
  bed = await ResourceLab.up("res-pkg", ["upstream", "mirror"]);
  await bed.sh(ownRepository);
  before = await bed.manifest();
}, 600_000);
afterEach(async () => {
  for (const life of made.splice(0)) await life.destroy();
}, 120_000);
afterAll(() => bed?.down(), 60_000);

/**
 * Packages made by the test: two versions, a conflict, a provider of another package, a script that fails.
 */
const ownRepository = `
set -e
mkdir -p /srv/own /tmp/build
cd /srv/own
package() { # name version field script
  root=/tmp/build/$1-$2
  mkdir -p $root/DEBIAN
  printf 'Package: %s\\nVersion: %s\\nArchitecture: all\\nMaintainer: lab <lab@lab>\\nDescription: lab\\n' $1 $2 >$root/DEBIAN/control
  if [ -n "$3" ]; then echo "$3" >>$root/DEBIAN/control; fi
  if [ -n "$4" ]; then printf '#!/bin/sh\\n%s\\n' "$4" >$root/DEBIAN/postinst; chmod 755 $root/DEBIAN/postinst; fi
  dpkg-deb --build $root $1_$2_all.deb >/dev/null
  cat $root/DEBIAN/control >>Packages
  printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' $1_$2_all.deb $(stat -c %s $1_$2_all.deb) $(sha256sum <$1_$2_all.deb | cut -c1-64) >>Packages
}
package lab-tool 1.0 '' ''
package lab-tool 2.0 '' ''
package lab-other 1.0 '' ''
package lab-rival 1.0 'Conflicts: lab-tool' ''
package lab-stand-in 1.0 'Provides: lab-abstract' ''
package lab-broken 1.0 '' 'echo the script says no; exit 1'
package lab-slow 1.0 'Depends: lab-tool' 'if [ -e /run/lab-slow ]; then echo here >/run/lab-slow; sleep 60; fi'
package lab-unmet 1.0 'Depends: lab-nowhere' ''
rm -r /tmp/build
echo 'deb [trusted=yes] file:/srv/own ./' >/etc/apt/sources.list.d/own.list
apt-get -q update >/dev/null
`;

/** The differences from before, except a page that nginx's own scripts leave after a purge. */
async function differences(): Promise<string[]> {
  const all = manifestDifferences(before, await bed.manifest());
  return all.filter((line) => !/^\+ files \/var\/www(\/html(\/index.nginx-debian.html)?)?$/.test(line));
}

function resource(name: string): LifeCycle {
  const life = new LifeCycle(packages, name);
  made.push(life);
  return life;
}

function wants(declared: Record<string, string>) {
  return { host: "mirror", packages: declared };
}

const isInstalled = async (name: string) =>
  (await bed.sh(`dpkg-query -W -f='\${db:Status-Status}' ${name} 2>/dev/null || true`)) === "installed";
const versionOf = (name: string) => bed.sh(`dpkg-query -W -f='\${Version}' ${name}`);

test("packages are installed, have no drift, and a removal also removes their dependencies", async () => {
  const life = resource("web");
  expect((await life.up(wants({ nginx: "installed", tree: "installed" }))).change).toBe("create");
  expect(await isInstalled("nginx")).toBe(true);
  expect(await isInstalled("nginx-common")).toBe(true);
  expect(life.heard.progress.join("\n")).toMatch(/Setting up nginx/);
  expect((await life.preview(wants({ nginx: "installed", tree: "installed" }))).change).toBe("none");
  await life.destroy();
  expect(life.heard.warnings).toEqual([]);
  expect(await differences()).toEqual([]);
}, 120_000);

test("a package removed by hand is reported, and installed again", async () => {
  const life = resource("drift");
  await life.up(wants({ tree: "installed", hello: "installed" }));
  await bed.sh("apt-get -qy remove tree >/dev/null");
  const preview = await life.up(wants({ tree: "installed", hello: "installed" }));
  expect(preview.differs).toEqual({ "packages[tree]": ["absent", "installed"] });
  expect(await isInstalled("tree")).toBe(true);
}, 120_000);

test("an exact version is installed, and another one is reported and corrected", async () => {
  const life = resource("pinned");
  await life.up(wants({ "lab-tool": "1.0" }));
  expect(await versionOf("lab-tool")).toBe("1.0");
  expect((await life.preview(wants({ "lab-tool": "1.0" }))).change).toBe("none");
  await bed.sh("apt-get -qy install lab-tool=2.0 >/dev/null");
  const preview = await life.up(wants({ "lab-tool": "1.0" }));
  expect(preview.differs).toEqual({ "packages[lab-tool]": ["2.0", "1.0"] });
  expect(await versionOf("lab-tool")).toBe("1.0");
  await expect(life.up(wants({ "lab-tool": "3.0" }))).rejects.toThrow(
    "lab-tool is available as 1.0, 2.0, not in the declared version",
  );
}, 120_000);

test("a package that was installed before stays, and its mark is restored", async () => {
  await bed.sh("apt-get -qy install tree jq >/dev/null && apt-mark auto tree");
  const life = resource("adopted");
  await life.up(wants({ tree: "installed", hello: "installed" }));
  expect(await bed.sh("apt-mark showauto tree")).toBe("");
  await life.up(wants({ hello: "installed" }));
  expect(await bed.sh("apt-mark showauto tree")).toBe("tree\n");
  await life.destroy();
  expect(await isInstalled("tree")).toBe(true);
  expect(await isInstalled("hello")).toBe(false);
  await bed.sh("apt-get -qy purge --autoremove tree jq >/dev/null");
  expect(await differences()).toEqual([]);
}, 120_000);

test("a package that is no longer declared is removed, unless another resource declares it", async () => {
  const [one, two] = [resource("one"), resource("two")];
  await Promise.all([
    one.up(wants({ tree: "installed", hello: "installed", jq: "installed" })),
    two.up(wants({ tree: "installed" })),
  ]);
  await one.up(wants({ jq: "installed" }));
  expect([await isInstalled("hello"), await isInstalled("tree"), await isInstalled("jq")]).toEqual([
    false,
    true,
    true,
  ]);
  await one.destroy();
  expect([await isInstalled("tree"), await isInstalled("jq")]).toEqual([true, false]);
  await two.destroy();
  expect(await differences()).toEqual([]);
}, 120_000);

test("a rename without an alias keeps the packages that both names declare", async () => {
  const [old, renamed] = [resource("old"), resource("renamed")];
  await old.up(wants({ tree: "installed" }));
  await renamed.up(wants({ tree: "installed" }));
  await old.destroy();
  expect((await renamed.preview(wants({ tree: "installed" }))).change).toBe("none");
}, 120_000);

test("a package that another package depends on stays after a removal, and a warning names it", async () => {
  const life = resource("needed");
  await life.up(wants({ libjq1: "installed" }));
  await bed.sh("apt-get -qy install --no-install-recommends jq >/dev/null");
  await life.destroy();
  expect(await isInstalled("jq")).toBe(true);
  expect(life.heard.warnings.join()).toMatch(/libjq1.* stay/);
  await bed.sh("apt-get -qy purge --autoremove jq >/dev/null");
  expect(await differences()).toEqual([]);
}, 120_000);

test("packages that others install while an update waits for dpkg's lock stay after a removal", async () => {
  await bed.sh(`cat >/run/others.py <<'END'
import fcntl, glob, os, subprocess, time
lock = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
while not os.path.exists("/run/others.go"):
    time.sleep(0.1)
archives = glob.glob("/srv/own/lab-other_*.deb") + ["/srv/own/lab-tool_2.0_all.deb"]
subprocess.run(["dpkg", "-i", *archives], check=True, env={**os.environ, "DPKG_FRONTEND_LOCKED": "yes"})
END
systemd-run --quiet --collect --unit=others python3 /run/others.py`);
  const life = resource("patient");
  const done = life.up(wants({ "lab-tool": "installed", tree: "installed" }));
  await until("it waits for the lock", 60_000, async () =>
    life.heard.progress.some((line) => /held by process \d+ \(python3\)/.test(line)),
  );
  await bed.sh("touch /run/others.go");
  await done;
  expect(await isInstalled("tree")).toBe(true);
  expect(await bed.sh("apt-mark showmanual lab-other lab-tool")).toBe("lab-other\nlab-tool\n");
  await life.destroy();
  expect(life.heard.warnings).toEqual([]);
  expect(await isInstalled("tree")).toBe(false);
  expect(await bed.sh("apt-mark showmanual lab-other lab-tool")).toBe("lab-other\nlab-tool\n");
  await bed.sh("apt-get -qy purge lab-other lab-tool >/dev/null && rm /run/others.*");
  expect(await differences()).toEqual([]);
}, 120_000);

describe("an update continues after", () => {
  test("a kill of the previous update", async () => {
    const script = join(import.meta.dirname, "apply-in-a-process.ts");
    const inputs = wants({ nginx: "installed" });
    const arguments_ = [script, bed.lab.paths.sshConfig, "Packages", "killed", JSON.stringify(inputs)];
    const child = spawn(process.execPath, arguments_, { stdio: "ignore" });
    await until(
      "the installation has begun",
      60_000,
      async () => (await bed.sh("pgrep -x apt-get || pgrep -x dpkg || true")) !== "",
    );
    child.kill("SIGKILL");
    await once(child, "close");
    const life = resource("killed");
    await life.up(inputs);
    expect((await life.preview(inputs)).change).toBe("none");
    await life.destroy();
    expect(await differences()).toEqual([]);
  }, 120_000);

  test("a power failure of the host during the installation", async () => {
    const life = resource("power");
    const inputs = wants({ nginx: "installed" });
    const lost = life.up(inputs).catch((error: Error) => error);
    await until(
      "packages are being unpacked",
      60_000,
      async () => (await bed.sh("pgrep -x dpkg || true")) !== "",
    );
    await bed.lab.powerOff("mirror", "plug pulled");
    await bed.lab.powerOn("mirror");
    expect(await lost).toBeInstanceOf(Error);
    await life.up(inputs);
    expect(await bed.sh("dpkg --audit")).toBe("");
    await life.destroy();
    expect(await differences()).toEqual([]);
  }, 180_000);

  test("a power failure after unpacking, and a removal also removes the dependencies", async () => {
    await bed.sh("touch /run/lab-slow");
    const life = resource("slow");
    const inputs = wants({ "lab-slow": "installed" });
    const lost = life.up(inputs).catch((error: Error) => error);
    await until("its script runs", 60_000, async () => (await bed.sh("cat /run/lab-slow")) !== "");
    await bed.lab.powerOff("mirror", "plug pulled");
    await bed.lab.powerOn("mirror");
    expect(await lost).toBeInstanceOf(Error);
    await life.up(inputs);
    await life.destroy();
    expect(await differences()).toEqual([]);
  }, 180_000);
});

describe("the output explains that", () => {
  test("the package does not exist", async () => {
    await expect(resource("unknown").up(wants({ "no-such-package": "installed" }))).rejects.toThrow(
      /no package no-such-package/,
    );
  }, 120_000);

  test.each(["lab.tool", "lab-tool+", "lab-tool-"])(
    "the package does not exist, also if apt reads its name as a pattern or an action: %s",
    async (name) => {
      const life = resource("pattern");
      await expect(life.up(wants({ [name]: "installed" }))).rejects.toThrow(
        /has no package (lab.tool|of exactly this name: lab-tool[+-])|no package lab.tool/,
      );
      expect(await isInstalled("lab-tool")).toBe(false);
      await life.destroy();
      expect(await differences()).toEqual([]);
    },
    120_000,
  );

  test("the package is held at another version", async () => {
    await bed.sh("apt-get -qy install lab-tool=2.0 >/dev/null && apt-mark hold lab-tool");
    await expect(resource("held").up(wants({ "lab-tool": "1.0" }))).rejects.toThrow(
      /lab-tool is held on the host/,
    );
    await bed.sh("apt-mark unhold lab-tool && apt-get -qy purge lab-tool >/dev/null");
  }, 120_000);

  test("the installation would remove an installed package", async () => {
    await bed.sh("apt-get -qy install lab-tool >/dev/null");
    await expect(resource("rival").up(wants({ "lab-rival": "installed" }))).rejects.toThrow(
      /would remove lab-tool/,
    );
    expect(await isInstalled("lab-tool")).toBe(true);
    await bed.sh("apt-get -qy purge lab-tool >/dev/null");
  }, 120_000);

  test("only another package provides it", async () => {
    const life = resource("abstract");
    await expect(life.up(wants({ "lab-abstract": "installed" }))).rejects.toThrow(
      /another package provides it|no package/,
    );
    await life.destroy();
    expect(await differences()).toEqual([]);
  }, 120_000);

  test("the package's script fails, and the preview shows the package as half-configured", async () => {
    const life = resource("broken");
    await expect(life.up(wants({ "lab-broken": "installed" }))).rejects.toThrow(/the script says no/);
    const preview = await life.preview(wants({ "lab-broken": "installed" }));
    expect(preview.differs).toEqual({ "packages[lab-broken]": ["(half-configured)", "installed"] });
    await life.destroy();
    expect(await differences()).toEqual([]);
  }, 120_000);

  test("a dependency is not available", async () => {
    await expect(resource("unmet").up(wants({ "lab-unmet": "installed" }))).rejects.toThrow(/lab-nowhere/);
  }, 120_000);

  test("another process holds apt's lock, and the update waits for it", async () => {
    await bed.sh(
      `systemd-run --quiet --collect --unit=holder python3 -c '
import fcntl, signal
lock = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
signal.pause()'`,
    );
    const life = resource("waiting");
    const done = life.up(wants({ "lab-tool": "installed" }));
    await until("it says whom it waits for", 60_000, async () =>
      life.heard.progress.some((line) => /held by process \d+ \(python3\)/.test(line)),
    );
    await bed.sh("systemctl stop holder");
    await done;
    expect(await isInstalled("lab-tool")).toBe(true);
  }, 120_000);

  test("the package sources cannot be reached", async () => {
    await bed.lab.powerOff("upstream");
    await bed.sh(
      "mv /var/lib/apt/lists /var/lib/apt/lists.kept && mkdir -p /var/lib/apt/lists/partial && apt-get clean",
    );
    try {
      await expect(resource("alone").up(wants({ tree: "installed" }))).rejects.toThrow(
        /package source cannot be reached/,
      );
    } finally {
      await bed.sh("rm -rf /var/lib/apt/lists && mv /var/lib/apt/lists.kept /var/lib/apt/lists");
      await bed.lab.powerOn("upstream");
    }
  }, 120_000);

  test("the disk is full", async () => {
    await bed.sh("apt-get clean && mount -t tmpfs -o size=64k tmpfs /var/cache/apt/archives");
    const life = resource("full");
    try {
      await expect(life.up(wants({ nginx: "installed" }))).rejects.toThrow(/no space left/);
    } finally {
      await bed.sh("umount /var/cache/apt/archives");
    }
    await life.up(wants({ nginx: "installed" }));
    await life.destroy();
    expect(await differences()).toEqual([]);
  }, 120_000);
});
