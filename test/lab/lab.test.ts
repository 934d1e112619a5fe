import { existsSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { readKey } from "openpgp";
import { archiveKey } from "../../lab/archive/openpgp-key.ts";
import { processesIn } from "../../lab/cgroups.ts";
import { tryCommand } from "../../lab/command.ts";
import { type Lab, labDown, labStatus, labUp } from "../../lab/lab.ts";
import { manifestDifferences, manifestOf } from "../../lab/manifest.ts";
import { labPaths } from "../../lab/paths.ts";
import { tracesOf } from "../../lab/traces.ts";
import { until } from "../../lab/until.ts";
import { type Upstream, upstreamOf } from "../../lab/upstream.ts";

const name = "lab-tests";
const other = "lab-tests-other";
/** The first run makes a root file system and downloads packages. */
const firstTime = 600_000;

let lab: Lab;
let upstream: Upstream;

beforeAll(async () => {
  lab = await labUp(name);
  upstream = upstreamOf(lab);
}, firstTime);

afterAll(async () => {
  await labDown(name);
  await labDown(other);
}, 120_000);

/** The output of a command on a host. Fails if the command fails. */
async function printed(host: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await lab.sh(host, script);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.trim();
}

describe("a running lab", () => {
  test("does not change on another labUp", async () => {
    const before = processesIn(lab.paths.prefix).length;
    const boots = await lab.sh("client", "cat /proc/sys/kernel/random/boot_id");
    await labUp(name);
    expect(before).toBeGreaterThan(20);
    expect((await lab.sh("client", "cat /proc/sys/kernel/random/boot_id")).stdout).toBe(boots.stdout);
    const running = labStatus(name).filter((host) => host.running);
    expect(running.map(({ host }) => host)).toEqual(["upstream", "mirror", "mirror2", "client", "maas"]);
  });

  test.each([
    ["upstream", "root"],
    ["mirror", "ops"],
    ["mirror2", "ops"],
    ["client", "root"],
  ])("accepts a login on %s as %s with its ssh_config", async (host, user) => {
    const { code, stdout, stderr } = await lab.ssh(host, "id -un; hostname; sudo -n id -un");
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${user}\n${host}\nroot\n`, stderr: "" });
  });

  test("has SSH servers with Debian's default limits", async () => {
    const settings = await printed("mirror", "sshd -T");
    expect(settings).toMatch(/^maxstartups 10:30:100$/m);
    expect(settings).toMatch(/^maxsessions 10$/m);
    expect(settings).toMatch(/^allowtcpforwarding yes$/m);
  });

  test("refuses a connection to a host whose key has changed", async () => {
    await lab.sh(
      "mirror2",
      "cp -a /etc/ssh /root/ssh && rm /etc/ssh/ssh_host_* && ssh-keygen -A && systemctl restart ssh",
    );
    const { code, stderr } = await lab.ssh("mirror2", "true");
    expect(code).toBe(255);
    expect(stderr).toMatch(/REMOTE HOST IDENTIFICATION HAS CHANGED/);
    await printed("mirror2", "rm -r /etc/ssh && mv /root/ssh /etc/ssh && systemctl restart ssh");
    expect((await lab.ssh("mirror2", "true")).code).toBe(0);
  });

  test("reaches the client through the jump host only", async () => {
    const direct = await tryCommand([
      "ssh",
      "-F",
      lab.paths.sshConfig,
      "-o",
      "ProxyJump=none",
      "-o",
      "ConnectTimeout=2",
      "client",
      "true",
    ]);
    expect(direct.code).toBe(255);
    expect(direct.stderr).toMatch(/No route to host|unreachable/);
  });

  test("has no route out of the data centre, and no route off the machine", async () => {
    expect(await printed("client", "ip -4 route")).toBe(
      `10.77.${lab.pair * 2 + 1}.0/24 dev datacentre proto kernel scope link src ${lab.address("client", "datacentre")}`,
    );
    expect(await printed("mirror", "ip -4 route | grep -vc 'proto kernel scope link' || true")).toBe("0");
    expect(await printed("client", "ip -6 route show default; cat /proc/sys/net/ipv4/ip_forward")).toBe("0");
    expect(await printed("mirror", "cat /proc/sys/net/ipv4/ip_forward")).toBe("0");
    const { code, stderr } = await lab.run("client", [
      "curl",
      "-sS",
      `http://${lab.address("upstream", "outside")}/`,
    ]);
    expect({ code, stderr }).toEqual({ code: 7, stderr: expect.stringMatching(/Couldn't connect/) });
    expect((await lab.run("client", ["getent", "hosts", "archive.ubuntu.com"])).code).toBe(2);
  });

  test("resolves the names of upstream servers and no others", async () => {
    const address = lab.address("upstream", "outside");
    for (const known of ["archive.ubuntu.com", "security.ubuntu.com", "ports.ubuntu.com", "images.maas.io"]) {
      expect(await printed("mirror", `getent hosts ${known}`)).toMatch(new RegExp(`^${address}\\s`));
    }
    const unknown = await lab.run("mirror", ["curl", "-sS", "http://example.org/"]);
    expect({ code: unknown.code, stderr: unknown.stderr.trim() }).toEqual({
      code: 6,
      stderr: "curl: (6) Could not resolve host: example.org",
    });
  });

  test("runs journals and transient units, and nginx from its Debian archive", async () => {
    expect(await printed("mirror", "systemd-run --quiet --wait --pipe echo done")).toBe("done");
    await printed("mirror", "systemd-run --quiet --wait --unit=lab-said echo to the journal");
    expect(await printed("mirror", "journalctl --unit=lab-said --output=cat")).toMatch(/to the journal/);
    await printed("mirror", "apt-get -qq update && apt-get -qq install nginx reprepro >/dev/null");
    expect(await printed("mirror", "systemctl is-active nginx && curl -sI http://localhost/")).toMatch(
      /^active\nHTTP\/1\.1 200 OK/,
    );
    expect(await printed("mirror", "systemctl --failed --no-legend")).toBe("");
  });

  test("starts a host again with the same disk after a reboot and after a power failure", async () => {
    await printed("mirror2", "echo kept > /etc/kept; sync /etc/kept");
    const boot = "cat /proc/sys/kernel/random/boot_id";
    const before = await printed("mirror2", boot);
    const card = "cat /sys/class/net/outside/address";
    const cardBefore = await printed("mirror2", card);
    await lab.reboot("mirror2");
    const after = await printed("mirror2", boot);
    expect(after).not.toBe(before);
    // From inside the host too, as an administrator does it.
    await lab.ssh("mirror2", "sudo systemctl reboot");
    await until("the next boot", 20_000, async () => {
      const { code, stdout } = await lab.ssh("mirror2", boot, { timeout: 5000 });
      return code === 0 && stdout.trim() !== after;
    });
    await lab.powerOff("mirror2", "plug pulled");
    expect((await lab.ssh("mirror2", "true")).code).toBe(255);
    await lab.powerOn("mirror2");
    expect(await printed("mirror2", "cat /etc/kept")).toBe("kept");
    await lab.powerOff("mirror2");
    await lab.powerOn("mirror2");
    // With a different address, neighbours would not find it until their ARP entries expire.
    expect(await printed("mirror2", card)).toBe(cardBefore);
    expect((await lab.ssh("mirror2", "cat /etc/kept")).stdout).toBe("kept\n");
  });

  test("shows the changes on a host", async () => {
    const before = await manifestOf(lab, "client");
    expect(Object.keys(before.files).length).toBeGreaterThan(5000);
    expect(manifestDifferences(before, await manifestOf(lab, "client"))).toEqual([]);
    await printed(
      "client",
      "echo x > '/etc/a file'; chmod 700 /srv; ln -s a /etc/link; groupadd --gid 4711 more",
    );
    const lines = manifestDifferences(before, await manifestOf(lab, "client"));
    expect(lines).toEqual(
      expect.arrayContaining([
        "+ files /etc/a file",
        "+ files /etc/link",
        "~ files /srv: d 755 0:0 -> d 700 0:0",
        "+ groups more",
      ]),
    );
  });
});

describe("copies of the lab", () => {
  test("are separate in network, upstream and machine IDs", async () => {
    const copy = await labUp(other, { hosts: ["upstream", "mirror"] });
    try {
      expect(copy.pair).not.toBe(lab.pair);
      expect((await copy.ssh("mirror", "hostname -I")).stdout.trim().split(" ")).toEqual([
        copy.address("mirror", "outside"),
        copy.address("mirror", "datacentre"),
      ]);
      const { code } = await copy.run("mirror", [
        "curl",
        "-sS",
        `http://${lab.address("upstream", "outside")}/ubuntu/`,
      ]);
      expect(code).toBe(7);
      await upstreamOf(copy).release({ package: "hello", version: "9.9" });
      expect(upstreamOf(copy).versions("noble-updates").hello).toBe("9.9");
      expect(upstream.versions("noble-updates").hello).toBeUndefined();
      const ids = [copy, lab].map(
        async (each) => (await each.run("mirror", ["cat", "/etc/machine-id"])).stdout,
      );
      expect((await ids[0])?.length).toBe(33);
      expect(await ids[0]).not.toBe(await ids[1]);
    } finally {
      await labDown(other);
    }
  });

  test("start again after a kill of some or all processes, and leave no traces after labDown", async () => {
    expect(await tracesOf(other)).toEqual([]);
    await labUp(other, { hosts: ["client", "mirror"] });
    const up = (await tracesOf(other)).join("\n");
    for (const kind of [
      /^process/m,
      /^mount/m,
      /^interface/m,
      /^address/m,
      /^control group/m,
      /^claim/m,
      /^route/m,
    ]) {
      expect(up).toMatch(kind);
    }
    // The supervisor and systemd-nspawn of one host are killed; its systemd and the other host continue.
    const [supervisor] = processesIn(`${labPaths(other).prefix}/mirror`).sort((left, right) => left - right);
    process.kill(supervisor ?? 0, "SIGKILL");
    const again = await labUp(other, { hosts: ["client", "mirror"] });
    expect((await again.ssh("client", "hostname")).stdout).toBe("client\n");
    for (const pid of processesIn(labPaths(other).prefix)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It was removed with another one.
      }
    }
    const fresh = await labUp(other, { hosts: ["mirror"] });
    expect((await fresh.ssh("mirror", "hostname")).stdout).toBe("mirror\n");
    await labDown(other);
    await labDown(other);
    expect(await tracesOf(other)).toEqual([]);
    expect(existsSync(labPaths(other).directory)).toBe(false);
  });
});

/**
 * An apt on `mirror` with separate lists and the lab's Ubuntu suites as its only sources. It accepts and rejects what a
 * client of the real archive does.
 */
const noble = "/srv/noble";
function aptOf(suite: string): string {
  return `apt-get -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=${noble}/${suite}/sources \
-o Dir::State::lists=${noble}/${suite}/lists -o Dir::Cache=${noble}/${suite}/cache -o APT::Sandbox::User=root \
-o Acquire::Retries=0 -o APT::Get::Always-Include-Phased-Updates=true -o APT::Update::Error-Mode=any`;
}

async function aptSources(host: string, suites: readonly string[]): Promise<void> {
  const { publicArmored } = await archiveKey("ubuntu");
  for (const suite of suites) {
    const directory = `${noble}/${suite.replaceAll(" ", "+")}`;
    const { code } = await lab.sh(
      host,
      `mkdir -p ${directory}/sources ${directory}/lists/partial ${directory}/cache/archives/partial
       cat > ${noble}/ubuntu.asc
       printf 'Types: deb\\nURIs: http://archive.ubuntu.com/ubuntu\\nSuites: ${suite}\\nComponents: main universe\\nSigned-By: ${noble}/ubuntu.asc\\n' > ${directory}/sources/lab.sources`,
      { input: publicArmored },
    );
    expect(code).toBe(0);
  }
}

describe("the Ubuntu archive of upstream", () => {
  const all = "noble noble-updates noble-security";
  const apt = aptOf(all.replaceAll(" ", "+"));

  beforeAll(async () => {
    await aptSources("mirror", [all, "noble-updates"]);
    await aptSources("mirror2", [all]);
  });

  test("has a Release file like Ubuntu's, and apt and gpgv accept its signature", async () => {
    await printed("mirror", `${apt} -qq update`);
    const { fingerprint, publicArmored } = await archiveKey("ubuntu");
    const [inRelease, release] = await Promise.all(
      ["InRelease", "Release"].map((file) =>
        printed("mirror", `curl -sSf http://archive.ubuntu.com/ubuntu/dists/noble/${file}`),
      ),
    );
    expect(release).toMatch(
      /^Origin: Ubuntu\nLabel: Ubuntu\nSuite: noble\nVersion: 24.04\nCodename: noble\nDate: /,
    );
    expect(release).toMatch(/^Acquire-By-Hash: yes$/m);
    const keyring = `${lab.paths.directory}/keyring.gpg`;
    writeFileSync(keyring, (await readKey({ armoredKey: publicArmored })).write());
    const { stderr, code } = await tryCommand(["gpgv", "--keyring", keyring], { input: `${inRelease}\n` });
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/Good signature from "Lab Ubuntu/),
    });
    expect(stderr).toContain(fingerprint);
  });

  test("has sources, translations, Contents files and a second architecture, as a real archive", async () => {
    const urls = [
      "noble/main/source/Sources.xz",
      "noble/universe/i18n/Translation-en.xz",
      "noble/Contents-amd64.gz",
      "noble/main/binary-arm64/Packages.gz",
      "noble-updates/Release.gpg",
      "noble-security/main/binary-amd64/Release",
    ];
    for (const url of urls) {
      await printed("mirror", `curl -sSfI http://archive.ubuntu.com/ubuntu/dists/${url}`);
    }
    expect(
      await printed(
        "mirror",
        "curl -sSf http://archive.ubuntu.com/ubuntu/dists/noble/Contents-amd64.gz | zcat | grep bin/hello",
      ),
    ).toMatch(/^usr\/bin\/hello +devel\/hello$/);
    const source = await printed(
      "mirror",
      `cd /tmp && sed -i 's/^Types:.*/Types: deb deb-src/' ${noble}/*security/sources/* && ${apt} -qq update &&
       ${apt} -qq source --download-only hello 2>/dev/null && ls hello_*.dsc`,
    );
    expect(source).toMatch(/^hello_.*\.dsc$/);
    expect(Object.keys(upstream.versions("noble", "arm64")).length).toBeGreaterThan(10);
  });

  test("has packages that install on Debian 12 with their dependencies", async () => {
    await printed("mirror2", `${apt} -qq update && ${apt} -qq -y install hello jq tree >/dev/null`);
    expect(await printed("mirror2", "hello; echo '{\"a\":[1]}' | jq -c .a")).toBe("Hello, world!\n[1]");
    const version = await printed("mirror2", "dpkg-query -W -f '${Version}' libjq1");
    expect(version).toBe(upstream.versions("noble-security").libjq1);
  });

  test("offers a new release at the next apt update, and the old version after a withdrawal", async () => {
    const candidate = `${apt} -qq update && apt-cache -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=${noble}/noble+noble-updates+noble-security/sources -o Dir::State::lists=${noble}/noble+noble-updates+noble-security/lists -o Dir::Cache=${noble}/noble+noble-updates+noble-security/cache policy hello | sed -n 's/ *Candidate: //p'`;
    const first = upstream.versions("noble").hello;
    expect(await printed("mirror", candidate)).toBe(first);
    for (const version of ["3.0", "3.1"]) {
      await upstream.release({ package: "hello", version, phased: 30 });
      expect(await printed("mirror", candidate)).toBe(version);
    }
    await printed(
      "mirror",
      `cd /tmp && ${apt} -qq download hello=3.1 && dpkg-deb -f hello_3.1_amd64.deb Version`,
    );
    await upstream.withdraw("hello");
    expect(await printed("mirror", candidate)).toBe(first);
    await upstream.reset();
  });
});

describe("the Ubuntu archive with a fault", () => {
  const apt = aptOf("noble-updates");
  const forget = `rm -rf ${noble}/noble-updates/lists/*updates*`;

  beforeAll(async () => {
    await upstream.release({ package: "hello", version: "4.0" });
    await printed("mirror", `${apt} -qq update`);
  });

  beforeEach(async () => {
    await upstream.restore();
    await printed("mirror", `${forget}; ${apt} -qq update`);
  });

  afterAll(() => upstream.restore());

  test.each([
    ["flipped-index", /Hash Sum mismatch|File has unexpected size/],
    ["flipped-by-hash", /Hash Sum mismatch|File has unexpected size/],
    ["truncated-index", /File has unexpected size|Hash Sum mismatch/],
    ["missing-index", /404 +Not Found/],
    ["wrong-signature", /NO_PUBKEY/],
    ["broken-signature", /BADSIG/],
    ["unsigned", /Clearsigned file isn't valid|is not signed|NOSPLIT/],
    ["expired", /Release file .* is expired/],
  ])("%s: apt refuses it, and accepts it when it is restored", async (kind, complaint) => {
    const hit = await upstream.tamper(kind);
    expect(hit).toMatch(/^dists\/noble-updates\//);
    const { code, stderr } = await lab.sh("mirror", `${forget}; ${apt} -q update`);
    expect(stderr).toMatch(complaint);
    expect(code).toBe(100);
    await upstream.restore();
    await printed("mirror", `${apt} -qq update`);
  });

  test("rolled-back: its signature is valid, and apt keeps the newer lists", async () => {
    const served = "curl -sSf http://archive.ubuntu.com/ubuntu/dists/noble-updates/InRelease";
    const date = `grep ^Date: ${noble}/noble-updates/lists/*InRelease`;
    await upstream.tamper("rolled-back");
    await printed("mirror", `${forget}; ${apt} -qq update`);
    const old = await printed("mirror", date);
    await upstream.restore();
    await printed("mirror", `${apt} -qq update`);
    const newest = await printed("mirror", date);
    expect(newest).not.toBe(old);
    await upstream.tamper("rolled-back");
    expect(await printed("mirror", `${served} | grep ^Date:`)).toBe(old);
    await printed("mirror", `${apt} -qq update`);
    expect(await printed("mirror", date)).toBe(newest);
  });

  test.each([
    ["flipped-deb", /Hash Sum mismatch/],
    ["missing-deb", /404 +Not Found/],
  ])("%s: apt refuses the package, and accepts it when it is restored", async (kind, complaint) => {
    expect(await upstream.tamper(kind, { package: "hello" })).toMatch(/^pool\/main\/h\/hello\/hello_4\.0_/);
    const download = `cd /tmp && rm -f hello_* && ${apt} -q download hello`;
    const { code, stderr } = await lab.sh("mirror", download);
    expect({ code, stderr }).toEqual({ code: 100, stderr: expect.stringMatching(complaint) });
    await upstream.restore();
    await printed("mirror", download);
  });

  describe("of its server", () => {
    const url = () => `http://archive.ubuntu.com/ubuntu/dists/noble/Contents-amd64.gz`;
    const get = (more: string) =>
      lab.sh("mirror", `curl -sS -o /tmp/got -w '%{size_download} %{time_total}' ${more} ${url()}`);

    test.each([
      ["stall", "--max-time 1", 28, /timed out/],
      ["reset", "", 56, /Connection reset by peer/],
      ["refuse", "", 56, /Connection reset by peer/],
    ])(
      "%s: the download of the selected file fails, and succeeds when it is restored",
      async (kind, more, exit, complaint) => {
        await upstream.tamper(kind, { path: "Contents" });
        const { code, stdout, stderr } = await get(more);
        expect({ code, stderr }).toEqual({ code: exit, stderr: expect.stringMatching(complaint) });
        expect(Number(stdout.split(" ")[0])).toBe(kind === "refuse" ? 0 : 1000);
        expect(
          (await lab.sh("mirror", "curl -sSfI http://archive.ubuntu.com/ubuntu/dists/noble/Release")).code,
        ).toBe(0);
        await upstream.restore();
        expect((await get("")).code).toBe(0);
      },
    );

    test("slow: the download is complete, but takes longer", async () => {
      const size = Number((await get("")).stdout.split(" ")[0]);
      expect(size).toBeGreaterThan(5000);
      await upstream.tamper("slow", { path: "Contents" });
      const { code, stdout } = await get("");
      const [got, seconds] = stdout.split(" ").map(Number);
      expect({ code, got }).toEqual({ code: 0, got: size });
      expect(seconds).toBeGreaterThan((size / 20_000) * 0.8);
    });
  });
});
