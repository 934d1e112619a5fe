import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { AptClient } from "./apt-client.ts";
import { labSite, Stack, succeeded, type Values } from "./stack.ts";

const labName = "e2e-choices";
let lab: Lab;
let stack: Stack;
let mirrors: Values;
let output = "";
let first: ReturnType<typeof certificate>;

const site = (clientChecks: Values = {}, localPackages = ["site-tool_1.0_all.deb"]) =>
  labSite(
    lab,
    {
      chosen: {
        // The last suite has none of the selected packages.
        suites: ["noble", "noble-security", "noble-updates"],
        architectures: ["amd64", "arm64"],
        filter: { include: ["jq", "hello"] },
        extras: { sources: true, contents: true, languages: [] },
        localPackages: localPackages.map((file) => join(stack.folder, file)),
        serve: { path: "/chosen" },
      },
      secure: {
        signing: "upstream",
        suites: ["noble-security"],
        serve: { path: "/ubuntu", tls: { certificate: "", key: "" } },
      },
    },
    { clientChecks },
  );

beforeAll(async () => {
  lab = await labUp(labName, { hosts: ["upstream", "mirror", "client"] });
  stack = await Stack.create();
  localPackage("site-tool", "1.0");
  stack.configure(site());
  first = certificate("first");
  await give(first);
  const preview = succeeded(await stack.preview("--diff"));
  const update = succeeded(await stack.up());
  output = preview.output + update.output;
  ({ mirrors } = await stack.outputs());
}, 300_000);

afterAll(async () => {
  stack?.discard();
  await labDown(labName);
}, 120_000);

describe("a filtered mirror with local packages", () => {
  let client: AptClient;

  beforeAll(async () => {
    client = await AptClient.on(lab, "client", "chosen", mirrors.chosen.sourcesEntry);
    await client.update();
  }, 120_000);

  test("offers only the selected packages, their dependencies and the local packages", async () => {
    const offered = (await client.offered()).map((line) => line.replace(/ \S+ /, " "));
    const ofUpstream = ["hello", "jq", "libjq1", "libonig5"].flatMap((name) => [
      `${name} amd64`,
      `${name} arm64`,
    ]);
    expect(offered).toEqual([...ofUpstream, "site-tool all"]);
  }, 120_000);

  test("lets a client install a local package and a selected one", async () => {
    expect(await client.install("site-tool")).toBe("1.0");
    expect((await lab.run("client", ["site-tool"])).stdout).toBe("of this site\n");
    expect(await client.install("jq")).toMatch(/^1\./);
  }, 120_000);

  test("has every declared architecture", async () => {
    const { stdout } = await lab.sh(
      "mirror",
      "cd /srv/airgapped-maas/e2e/apt/chosen/current/public/dists/noble && for a in amd64 arm64; do grep -h ^Package: */binary-$a/Packages | sort -u | tr '\\n' ' '; done",
    );
    const names = "Package: hello Package: jq Package: libjq1 Package: libonig5 Package: site-tool ";
    expect(stdout).toBe(names + names);
  });

  test("has the declared extra indices and no others", async () => {
    const { stdout } = await lab.sh(
      "mirror",
      "cd /srv/airgapped-maas/e2e/apt/chosen/current/public/dists/noble && find . -name 'Contents-*' -o -name 'Translation-*' -o -path '*/cnf/*' | grep -v by-hash | sort; grep -c 'Contents-amd64' Release",
    );
    expect(stdout).toBe("./Contents-amd64.gz\n./Contents-arm64.gz\n1\n");
  });

  test("has the sources of the selected packages, and apt finds them", async () => {
    await client.use(mirrors.chosen.sourcesEntry.replace("Types: deb", "Types: deb deb-src"));
    await client.update();
    const { code, stderr, stdout } = await client.get("--print-uris source hello");
    expect(`${code} ${stderr}`).toBe("0 ");
    const dsc = /'(http:\S+hello_\S+\.dsc)'/.exec(stdout)?.[1] ?? "";
    const fetched = await lab.run("client", ["curl", "-fsS", dsc]);
    expect(fetched.stdout).toContain("Source: hello");
  }, 120_000);
});

describe("changed local packages", () => {
  const configured = async (...localPackages: string[]) => {
    stack.configure(site({}, localPackages));
    await give(first);
  };
  const installed = async (name: string) => {
    const client = await AptClient.on(lab, "client", "chosen", mirrors.chosen.sourcesEntry);
    await client.update();
    return client.install(name);
  };

  test("are refused in the preview if a published version has different content", async () => {
    localPackage("site-tool", "1.0", "rebuilt");
    const preview = await stack.preview();
    expect(preview.code).not.toBe(0);
    expect(preview.output).toMatch(
      /aptMirrors\.chosen\.localPackages: .*site-tool 1\.0 \(all\)[\s\S]*this version is already published with different content/,
    );
    expect(await installed("site-tool")).toBe("1.0");
  }, 120_000);

  test("replace an older version, and upstream's package", async () => {
    localPackage("site-tool", "2.0", "newer");
    localPackage("hello", "99", "hello, site");
    await configured("site-tool_2.0_all.deb", "hello_99_all.deb");
    succeeded(await stack.up());
    expect(await installed("site-tool")).toBe("2.0");
    expect(await installed("hello")).toBe("99");
    expect((await lab.run("client", ["hello"])).stdout).toBe("hello, site\n");
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });
  }, 120_000);

  test("are replaced by upstream's when removed, and an older version may return with new content", async () => {
    localPackage("site-tool", "1.0", "rebuilt");
    await configured("site-tool_1.0_all.deb");
    succeeded(await stack.up());
    expect(await installed("hello")).toMatch(/^2\./);
    expect(await installed("site-tool")).toBe("1.0");
    expect((await lab.run("client", ["site-tool"])).stdout).toBe("rebuilt\n");
  }, 120_000);
});

describe("a mirror served with TLS", () => {
  const fetchRoot = (trusted: string) =>
    lab.sh(
      "client",
      "cat >/var/tmp/ca.pem && curl -fsS --cacert /var/tmp/ca.pem https://mirror/ubuntu/dists/noble-security/InRelease",
      { input: trusted },
    );

  test("has an https URL in the outputs, and serves clients that trust its certificate", async () => {
    expect(mirrors.secure.url).toBe("https://mirror/ubuntu");
    expect((await fetchRoot(first.certificate)).stdout).toContain("Suite: noble-security");
    expect((await fetchRoot(certificate("stranger").certificate)).code).toBe(60);
  });

  test("has its key only in nginx's file for root, not in output, state or other files", async () => {
    const mode = await lab.sh(
      "mirror",
      "stat -c '%a %U' /etc/nginx/airgapped-maas/443-any.key; grep -c . /etc/nginx/airgapped-maas/443-any.key",
    );
    expect(mode.stdout).toMatch(/^600 root\n/);
    expect(withoutKey(first, output)).toBe(true);
    expect(withoutKey(first, stack.state())).toBe(true);
    const files = readdirSync(stack.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith(".key"))
      .map((entry) => join(entry.parentPath, entry.name));
    expect(files.length).toBeGreaterThan(10);
    expect(files.filter((file) => !withoutKey(first, readFileSync(file, "latin1")))).toEqual([]);
    const elsewhere = await lab.sh(
      "mirror",
      "grep -rlF -f - /etc /var/log /run /tmp /var/tmp /srv /var/lib/airgapped-maas 2>/dev/null",
      { input: marks(first).join("\n") },
    );
    expect(elsewhere.stdout).toBe("/etc/nginx/airgapped-maas/443-any.key\n");
  }, 120_000);

  test("shows a change of the key without the old or new key, and then serves with the new one", async () => {
    const second = certificate("second");
    await give(second);
    const preview = succeeded(await stack.preview("--diff"));
    expect(preview.steps.map(({ type, op }) => `${op} ${type}`).toSorted()).toEqual([
      "update Files",
      "update Services",
    ]);
    expect(preview.steps.find(({ type }) => type === "Files")?.differs.join()).toContain("secretFiles");
    const update = succeeded(await stack.up());
    for (const pair of [first, second]) {
      expect(withoutKey(pair, preview.output)).toBe(true);
      expect(withoutKey(pair, update.output)).toBe(true);
      expect(withoutKey(pair, stack.state())).toBe(true);
    }
    expect((await fetchRoot(second.certificate)).stdout).toContain("Suite: noble-security");
    expect(await stack.up("--expect-no-changes")).toMatchObject({ code: 0, steps: [] });

    // A client that got the package over HTTP and does not trust the certificate is not served over HTTPS.
    stack.configure(site({ secure: { host: "client", mirror: "secure", package: "jq" } }));
    await give(second);
    const untrusted = await stack.up();
    expect(untrusted.code).not.toBe(0);
    expect(untrusted.output).toMatch(/ certificate .*(not trusted|verif)/i);
    const trust = "cat > /usr/local/share/ca-certificates/mirror.crt; update-ca-certificates >/dev/null 2>&1";
    await lab.sh("client", trust, { input: second.certificate });
    succeeded(await stack.up());
    expect((await stack.outputs()).clients.secure).toMatch(
      /^jq \S+ is installed\n {2}from https:\/\/mirror\/ubuntu/,
    );
  }, 120_000);
});

/** A certificate of a separate authority, and its key. */
function certificate(name: string) {
  const file = join(stack.folder, `${name}.key`);
  const args = [
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=mirror",
    "-addext",
    "subjectAltName=DNS:mirror",
  ];
  const text = execFileSync("openssl", ["req", "-x509", ...args, "-keyout", file], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return { certificate: text, key: readFileSync(file, "utf8") };
}

/** Sets them in the stack file, the key as a secret. */
async function give(pair: ReturnType<typeof certificate>): Promise<void> {
  const set = ["config", "set", "--stack", stack.name, "--config-file", stack.configFile, "--path"];
  const at = "airgapped-maas:aptMirrors.secure.serve.tls";
  await stack.ok([...set, "--plaintext", `${at}.certificate`, "--", pair.certificate]);
  await stack.ok([...set, "--secret", `${at}.key`, "--", pair.key]);
}

/** Lines of a key that no other key has. */
function marks({ key }: { key: string }): string[] {
  return key.trim().split("\n").slice(2, -1);
}

function withoutKey(pair: { key: string }, text: string): boolean {
  return !marks(pair).some(
    (line) => text.includes(line) || text.includes(Buffer.from(line).toString("base64").slice(4, -8)),
  );
}

/** Makes NAME_VERSION_all.deb in the stack's folder, with a command that prints a text. */
function localPackage(name: string, version: string, text = "of this site"): void {
  const root = join(stack.folder, name);
  mkdirSync(join(root, "DEBIAN"), { recursive: true });
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  writeFileSync(join(root, "usr/bin", name), `#!/bin/sh\necho ${text}\n`, { mode: 0o755 });
  const control = [
    `Package: ${name}`,
    `Version: ${version}`,
    "Architecture: all",
    "Maintainer: dc1 <ops@dc1.example>",
    "Description: the site's own",
  ];
  writeFileSync(join(root, "DEBIAN/control"), `${control.join("\n")}\n`);
  const file = join(stack.folder, `${name}_${version}_all.deb`);
  execFileSync("dpkg-deb", ["--build", "--root-owner-group", root, file], { stdio: "ignore" });
}
