import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { sh } from "../../hosts/shell.ts";
import { type Lab, labDown, labUp } from "../../lab/lab.ts";
import { type Upstream, upstreamOf } from "../../lab/upstream.ts";
import { labSite, Stack, succeeded } from "./stack.ts";

const name = "e2e-bad-upstream";
const signers = ["upstream", "mirror"] as const;
let lab: Lab;
let upstream: Upstream;
let stack: Stack;

beforeAll(async () => {
  lab = await labUp(name, { hosts: ["upstream", "mirror"] });
  upstream = upstreamOf(lab);
  stack = await Stack.create();
  const { aptMirrors, ...site } = labSite(lab, {
    upstream: { signing: "upstream", serve: { path: "/upstream" } },
    mirror: { filter: { include: ["bc", "tree"] }, serve: { path: "/mirror" } },
  });
  for (const mirror of Object.values<Record<string, unknown>>(aptMirrors)) {
    mirror.suites = ["noble-updates"];
    mirror.upstream = { ...(mirror.upstream as object), stallSeconds: 1 };
  }
  stack.configure({ ...site, aptMirrors });
}, 120_000);

afterAll(async () => {
  stack?.discard();
  await labDown(name);
}, 120_000);

/** All files that clients can get from a mirror, fetched by a client: digests by path. */
async function served(signing: string): Promise<Record<string, string>> {
  const base = `/srv/airgapped-maas/${stack.name}/apt/${signing}/current/public`;
  const { stdout } = await lab.sh(
    "mirror",
    `cd ${base} && find -L . -type f -printf '%P\\n' | LC_ALL=C sort`,
  );
  const url = `http://${lab.address("mirror", "outside")}/${signing}`;
  const digests = stdout
    .trim()
    .split("\n")
    .map(async (path) => {
      const answer = await fetch(`${url}/${path}`);
      const body = Buffer.from(await answer.arrayBuffer());
      return [path, `${answer.status} ${createHash("sha256").update(body).digest("hex")}`] as const;
    });
  return Object.fromEntries(await Promise.all(digests));
}

const servedByBoth = () => Promise.all(signers.map(served));

/** The CLI's final lines about the parts of a mirror: from its line to the next one. */
function messagesOf(signing: string, output: string): string {
  const diagnostics = output.slice(output.indexOf("Diagnostics:"));
  const parts = diagnostics.split(/^ {2}(?=\S)/m);
  return parts
    .filter((part) => new RegExp(`\\(${signing}(-contents)?\\):`).test(part.split("\n")[0] ?? ""))
    .join("");
}

let serial = 0;
/** Releases a package with a new version, in the suite that the mirrors have. */
async function released(): Promise<string> {
  const version = `9.${++serial}`;
  await upstream.release({ package: "bc", version });
  return version;
}

describe("with a faulty upstream", () => {
  test("down: a first update fails and names the URL, and the next update succeeds", async () => {
    await lab.run("upstream", ["systemctl", "stop", "nginx"]);
    const failed = await stack.up();
    expect(failed.code).not.toBe(0);
    for (const signing of signers) {
      expect(messagesOf(signing, failed.output)).toMatch(
        /error: .*fetching http:\/\/archive\.ubuntu\.com\/ubuntu\/dists\/noble-updates\/InRelease/,
      );
    }
    await lab.run("upstream", ["systemctl", "start", "nginx"]);
    succeeded(await stack.up());
    for (const files of await servedByBoth()) {
      expect(Object.keys(files)).toContain("dists/noble-updates/InRelease");
      expect(new Set(Object.values(files).map((each) => each.slice(0, 3)))).toEqual(new Set(["200"]));
    }
  }, 120_000);

  /** An update with a fault of upstream fails, names file and reason, and changes no served file. */
  async function failsWith(kind: string, reason: RegExp): Promise<void> {
    const before = await servedByBoth();
    await upstream.tamper(kind, { package: "bc" });
    const failed = await stack.up("--continue-on-error");
    expect(failed.code).not.toBe(0);
    for (const signing of signers) expect(messagesOf(signing, failed.output)).toMatch(reason);
    expect(await servedByBoth()).toEqual(before);
  }

  async function succeedsAfterTheRepair(version: string): Promise<void> {
    await upstream.restore();
    succeeded(await stack.up());
    for (const files of await servedByBoth()) {
      expect(Object.keys(files)).toContain(`pool/main/b/bc/bc_${version}_amd64.deb`);
    }
  }

  test.each([
    ["flipped-deb", /pool\/main\/b\/bc\/bc_\S+_amd64\.deb: its SHA-256 is \w+, and the signed index says/],
    ["missing-deb", /pool\/main\/b\/bc\/bc_\S+_amd64\.deb: the server answered 404/],
    ["rolled-back", /dists\/noble-updates\/InRelease: .* upstream went back/],
    [
      "stall",
      /pool\/main\/b\/bc\/bc_\S+_amd64\.deb: the server stalled: less than 500 bytes a second came for 1 s/,
    ],
    ["reset", /pool\/main\/b\/bc\/bc_\S+_amd64\.deb: .*[Cc]onnection reset/],
    ["refuse", /pool\/main\/b\/bc\/bc_\S+_amd64\.deb: .*[Cc]onnection reset/],
  ])(
    "%s: an update fails, names file and reason, changes no served file, and succeeds after the repair",
    async (kind, reason) => {
      const version = await released();
      await failsWith(kind, reason);
      await succeedsAfterTheRepair(version);
    },
    120_000,
  );

  describe("in the signed files, which the preview reads:", () => {
    let version: string;

    beforeAll(async () => {
      version = await released();
    });
    afterEach(() => upstream.restore());

    test.each([
      ["flipped-index", /main\/binary-amd64\/Packages\S*: its SHA-256 is \w+, but \w+ is signed/],
      ["flipped-by-hash", /main\/binary-amd64\/Packages\S*: its SHA-256 is \w+, but \w+ is signed/],
      ["truncated-index", /main\/binary-amd64\/Packages\S*: it is truncated: \d+ of \d+ bytes/],
      ["missing-index", /noble-updates\/main\/binary-amd64\/\S+: the server answered 404/],
      [
        "wrong-signature",
        /dists\/noble-updates\/InRelease: no good signature by \w+: one by \w+, which is not declared/,
      ],
      ["broken-signature", /dists\/noble-updates\/InRelease: no good signature .*digest did not match/],
      ["unsigned", /dists\/noble-updates\/InRelease: it is not one clearsigned text/],
      ["expired", /dists\/noble-updates\/InRelease: it was valid until \S+, 24 hours ago/],
    ])("%s: an update fails, names file and reason, and changes no served file", failsWith, 60_000);

    test("an update succeeds after the repair", () => succeedsAfterTheRepair(version), 60_000);
  });

  test("credentials required: the preview reports it, an update with them succeeds, no output shows them", async () => {
    const word = "word 'of' the \"lab\"";
    await released();
    await lab.sh(
      "upstream",
      `printf 'auth_basic lab;\nauth_basic_user_file /etc/nginx/lab-users;\n' >/etc/nginx/conf.d/protected.conf
printf '%s\n' ${sh`${`mirror:{PLAIN}${word}`}`} >/etc/nginx/lab-users; nginx -s reload
until [ "$(curl -so /dev/null -w '%{http_code}' http://127.0.0.1/ubuntu/)" = 401 ]; do sleep 0.05; done`,
    );
    const before = await servedByBoth();
    const refused = await stack.preview();
    expect(refused.code).not.toBe(0);
    for (const signing of signers) {
      expect(messagesOf(signing, refused.output)).toMatch(
        /upstream\.credentials: .*dists\/noble-updates\/InRelease: the server requires credentials \(401\)/,
      );
    }
    const at = ["--stack", stack.name, "--config-file", stack.configFile, "--path"];
    let printed = "";
    for (const signing of signers) {
      const credentials = `airgapped-maas:aptMirrors.${signing}.upstream.credentials`;
      printed += await stack.ok(["config", "set", ...at, `${credentials}.username`, "mirror"]);
      printed += await stack.ok(["config", "set", ...at, "--secret", `${credentials}.password`, "--", word]);
    }
    const updated = succeeded(await stack.up());
    expect(await servedByBoth()).not.toEqual(before);
    for (const signing of signers)
      expect(messagesOf(signing, updated.output)).toMatch(/upstream\.credentials are sent over http/);
    const again = succeeded(await stack.preview("--expect-no-changes", "--diff"));
    printed += refused.output + updated.output + again.output + stack.state();
    for (const part of [
      word,
      JSON.stringify(word).slice(1, -1),
      Buffer.from(`mirror:${word}`).toString("base64"),
    ])
      expect(printed).not.toContain(part);
    const { stdout } = await lab.sh(
      "mirror",
      "grep -rl \"word 'of'\" /run/airgapped-maas /srv/airgapped-maas || true",
    );
    expect(stdout).toBe("");
    await lab.sh("upstream", "rm /etc/nginx/conf.d/protected.conf; nginx -s reload");
    // A host that is not read prints no errors.
    succeeded(await stack.preview("--expect-no-changes"));
  }, 120_000);

  test("slow: an update takes longer and succeeds", async () => {
    const version = await released();
    await upstream.tamper("slow");
    const run = succeeded(await stack.up());
    await upstream.restore();
    // 100 kB at 20 kB/s.
    expect(run.seconds).toBeGreaterThan(5);
    for (const files of await servedByBoth()) {
      expect(Object.keys(files)).toContain(`pool/main/b/bc/bc_${version}_amd64.deb`);
    }
  }, 120_000);
});
