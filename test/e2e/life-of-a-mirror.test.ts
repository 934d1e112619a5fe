import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { type Manifest, manifestDifferences, manifestOf } from "../../lab/manifest.ts";
import { AptClient } from "./apt-client.ts";
import { labSite, type Run, Stack, succeeded, type Values } from "./stack.ts";

const labName = "e2e-life";
const directory = "/srv/airgapped-maas/e2e/apt/ubuntu";
let lab: Lab;
let stack: Stack;
let before: { mirror: Manifest; client: Manifest };
let planned: Run;
let made: Run;
let outputs: Values;

const site = (mirror: Values = {}) =>
  labSite(
    lab,
    { ubuntu: mirror },
    { clientChecks: { jq: { host: "client", mirror: "ubuntu", package: "jq" } } },
  );

beforeAll(async () => {
  lab = await labUp(labName, { hosts: ["upstream", "mirror", "client"] });
  before = await manifests();
  stack = await Stack.create();
  stack.configure(site());
  planned = succeeded(await stack.preview());
}, 300_000);

afterAll(async () => {
  stack?.discard();
  await labDown(labName);
}, 120_000);

describe("a new mirror", () => {
  test("is previewed with numbers of packages and resources, and the preview changes nothing", async () => {
    expect(planned.output).toContain("noble: +37 ~0 -0 packages, 3.6 MiB to fetch");
    expect(planned.output).toContain("noble-updates: +3 ~0 -0 packages");
    expect(planned.output).toMatch(new RegExp(`Resources:\n {4}\\+ ${planned.counts.create} to create\n`));
    expect(manifestDifferences(before.mirror, await manifestOf(lab, "mirror"))).toEqual([]);
  }, 120_000);

  test("is made by the update, and the client installs from it with plain apt", async () => {
    made = succeeded(await stack.up());
    outputs = await stack.outputs();
    expect(made.counts).toEqual(planned.counts);
    expect(made.output).toMatch(new RegExp(`Resources:\n {4}\\+ ${planned.counts.create} created\n`));
    const url = "http://mirror/ubuntu";
    expect(outputs.mirrors.ubuntu).toMatchObject({ url, contents: { packages: 42 } });
    expect(made.output).toContain(url);
    expect(outputs.clients.jq).toMatch(/^jq 1\.\S*ubuntu0\.1 is installed\n/);
    expect(outputs.clients.jq).toContain(`from ${url} noble-security`);
    const installed = await lab.run("client", ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}", "jq"]);
    expect(installed.stdout).toBe("ii ");
    expect((await lab.ssh("client", "echo '[1,2]' | jq '.[1]'")).stdout).toBe("2\n");
  }, 120_000);
});

describe("without a change in the declaration", () => {
  test("a second update changes nothing", async () => {
    const run = await stack.up("--expect-no-changes");
    expect(run).toMatchObject({ code: 0, counts: { same: made.counts.create }, steps: [] });
  }, 120_000);

  test("an update changes nothing if only the times of files on the host are new", async () => {
    const { code } = await lab.sh(
      "mirror",
      `touch /etc/nginx/conf.d/airgapped-maas-*.conf /etc/nginx/airgapped-maas/*/*.conf ${directory}/reprepro/conf/* &&
       find -L ${directory}/current/public -type f -exec touch {} +`,
    );
    expect(code).toBe(0);
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
  }, 120_000);

  test("an update changes nothing with an empty cache and with lists in another order", async () => {
    rmSync(stack.cache, { recursive: true });
    const { clientChecks, aptMirrors, sshConfig } = site({
      components: ["universe", "main"],
      suites: ["noble-security", "noble", "noble-updates"],
    });
    const reversed = Object.fromEntries(Object.entries(aptMirrors.ubuntu).reverse());
    stack.configure({ clientChecks, aptMirrors: { ubuntu: reversed }, sshConfig });
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
    stack.configure(site());
  }, 120_000);
});

describe("drift", () => {
  let drifted: Run;
  const nginx = "/etc/nginx/airgapped-maas/80-any/=ubuntu.conf";
  const reprepro = `${directory}/reprepro/conf/distributions`;
  let deleted: string;
  let flipped: string;

  beforeAll(async () => {
    const listed = (pattern: string) =>
      lab.sh("mirror", `cd ${directory}/current && cut -f4 listing | grep -m1 '${pattern}'`);
    deleted = (await listed("noble-updates/.*/Packages.xz$")).stdout.trim();
    flipped = (await listed("^pool/.*/hello_.*deb$")).stdout.trim();
    const damage = await lab.sh(
      "mirror",
      `set -e
       sed -i 's/autoindex on/autoindex off/' ${nginx}
       sed -i 's/^Components:.*/Components: main/' ${reprepro}
       systemctl stop nginx
       dpkg --purge reprepro >/dev/null
       rm ${directory}/${deleted}
       printf '\\377' | dd of=${directory}/${flipped} bs=1 seek=1000 conv=notrunc status=none`,
    );
    if (damage.code !== 0) throw new Error(damage.stderr);
    drifted = succeeded(await stack.preview("--diff"));
  }, 120_000);

  const differing = (type: string) => drifted.steps.find((step) => step.type === type)?.differs;

  test("is reported by the preview with the property that differs", () => {
    expect(drifted.counts).toMatchObject({ update: 4 });
    expect(differing("Packages")).toEqual(["packages.reprepro"]);
    expect(differing("Files")?.toSorted()).toEqual(
      [`files["${nginx}"].content`, `files["${reprepro}"].content`].toSorted(),
    );
    expect(differing("Services")).toContain('services["nginx.service"].running');
    expect(differing("AptTree")).toEqual(["status.integrity"]);
  });

  test("is shown with the observed and the declared values, including files of the tree", () => {
    expect(drifted.output).toMatch(/- +autoindex off;\n? *\+ +autoindex on;/);
    expect(drifted.output).toMatch(/reprepro *: "(absent|removed)" => "installed"/);
    expect(drifted.output).toMatch(/running *: false => true/);
    expect(drifted.output).toContain("2 files are missing or wrong");
    expect(drifted.output).toContain(`${flipped}: content`);
    expect(drifted.output).toContain(`${deleted}: missing`);
  });

  test("is repaired by an update, and a client installs a package", async () => {
    const run = succeeded(await stack.up());
    expect(run.counts).toMatchObject({ update: 4 });
    const client = await AptClient.on(lab, "client", "drift", outputs.mirrors.ubuntu.sourcesEntry);
    await client.update();
    expect(await client.install("hello")).toBe("2.10-3");
    await client.get("purge hello");
    await lab.run("client", ["rm", "-rf", client.folder]);
    expect((await stack.preview("--expect-no-changes")).code).toBe(0);
  }, 90_000);
});

describe("pulumi destroy", () => {
  test("restores the hosts except content and key, and reports where these are", async () => {
    const run = succeeded(await stack.destroy());
    expect(run.output).toMatch(/content stays on mirror: \/srv\/airgapped-maas\/e2e\/apt\/ubuntu/);
    const after = await manifests();
    const differences = differencesFrom(before.mirror, after.mirror);
    expect(run.output).toMatch(
      /signing key [0-9A-F]{40} stays in \/var\/lib\/airgapped-maas\/keys\/ubuntu_of_e2e_of_airgapped-maas/,
    );
    const kept =
      /^\+ files (\/srv\/airgapped-maas|\/var\/lib\/airgapped-maas$|\/var\/lib\/airgapped-maas\/keys)/;
    expect(differences.filter((line) => !kept.test(line))).toEqual([]);
    expect(differences).toContain(`+ files ${directory}/pool`);
    expect(differencesFrom(before.client, after.client)).toEqual([]);
  }, 90_000);

  test("with deleteContent leaves nothing, after an update that used the old content without a fetch", async () => {
    // The command that destroy printed for the key that it kept. The key is no longer needed.
    await lab.run("mirror", ["rm", "-r", "/var/lib/airgapped-maas"]);
    stack.configure(labSite(lab, { ubuntu: { deleteContent: true } }));
    const again = succeeded(await stack.up());
    expect(again.output).not.toMatch(/fetching \d+ files/);
    succeeded(await stack.destroy());
    expect(differencesFrom(before.mirror, await manifestOf(lab, "mirror"))).toEqual([]);
  }, 120_000);
});

async function manifests(): Promise<{ mirror: Manifest; client: Manifest }> {
  const [mirror, client] = await Promise.all([manifestOf(lab, "mirror"), manifestOf(lab, "client")]);
  return { mirror, client };
}

/**
 * All differences except the page that nginx's own scripts leave after a purge, and units that watch the console. These
 * fail if many hosts share the kernel's limit of watches.
 */
function differencesFrom(earlier: Manifest, later: Manifest): string[] {
  return manifestDifferences(earlier, later).filter(
    (line) =>
      !/^\+ files \/var\/www(\/html(\/index.nginx-debian.html)?)?$/.test(line) &&
      !line.startsWith("~ running systemd-ask-password-"),
  );
}
