import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { aptMirrorSchema } from "../../../../../components/apt-mirror/args.ts";
import { readArchive } from "../../../../../content/apt/archive.ts";
import { refuseForeignPackages } from "../../../../../content/apt/foreign-packages.ts";
import { type MirrorSignedPlan, planMirrorSigned } from "../../../../../content/apt/mirror-signed-plan.ts";
import { type Plan, planText, planUpstreamSigned } from "../../../../../content/apt/plan.ts";
import { sourcesEntry } from "../../../../../content/apt/sources-entry.ts";
import { signedDate } from "../../../../../content/dates.ts";
import { NotFound } from "../../../../../content/fetch.ts";
import { metadataCache } from "../../../../../content/metadata-cache.ts";
import { type ArchiveKey, archiveKey } from "../../../../../lab/archive/openpgp-key.ts";
import { type Shape, shapes } from "../../../../../lab/archive/shapes.ts";
import { writeShape } from "../../../../../lab/archive/write-shape.ts";
import { changesForClients } from "../../../../../resources/mirror/apt/identity.ts";
import { reproConfiguration } from "../../../../../resources/mirror/apt/reprepro-configuration.ts";
import { publishScript } from "../../../../../resources/mirror/apt/scripts.ts";
import { mirrorSignedWork, upstreamSignedWork } from "../../../../../resources/mirror/apt/work.ts";
import { workListText } from "../../../../../resources/mirror/published-tree/work-list.ts";
import { startJob } from "../../../../host-on-this-machine.ts";
import { handOverTo, scratchDirectory } from "../published-tree/job-on-this-machine.ts";
import { aptClient, type FileServer, fileServer } from "./real-apt.ts";

/*
 * Archives with vendors' layouts, mirrored by the real scripts and read by the real apt, both on this machine.
 */

let key: ArchiveKey;
let root: string;
const servers: FileServer[] = [];

beforeAll(async () => {
  key = await archiveKey("stranger");
});
beforeEach(() => {
  root = scratchDirectory("shapes");
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(root, { recursive: true, force: true });
});
afterAll(() => {
  for (const server of servers) server.close();
});

const serve = async (directory: string) => {
  const server = await fileServer(directory);
  servers.push(server);
  return server.url;
};

/** The declaration for an archive of a shape, with every default. */
function declared({ suite, components, architectures = ["amd64"] }: Shape, signing: "mirror" | "upstream") {
  return aptMirrorSchema.parse({
    host: "mirror",
    upstream: { url: "http://vendor.example" },
    suites: [suite],
    ...(components.length > 0 ? { components } : {}),
    architectures,
    signing,
  });
}

async function read(shape: Shape, url: string, signing: "mirror" | "upstream") {
  const ask = async (path: string, method = "GET") => fetch(`${url}/${path}`, { method });
  return readArchive({
    ...declared(shape, signing),
    key: key.publicArmored,
    cache: metadataCache(join(root, "cache")),
    now: new Date(),
    fetch: async (path) => {
      const answer = await ask(path);
      if (answer.ok) return Buffer.from(await answer.arrayBuffer());
      throw new NotFound({ step: `fetching ${path}`, found: `${answer.status}`, remedy: "None." });
    },
    exists: (paths) => Promise.all(paths.map(async (path) => (await ask(path, "HEAD")).ok)),
  });
}

/** Mirrors an archive of a shape. Returns the publication and the key that clients need. */
async function mirrored(
  shape: Shape,
  signing: "mirror" | "upstream",
): Promise<{ url: string; signedBy: string }> {
  const upstream = join(root, "upstream");
  await writeShape(shape, upstream, key);
  const upstreamUrl = await serve(upstream);
  const archive = await read(shape, upstreamUrl, signing);
  const settings = declared(shape, signing);
  const plan: Plan = signing === "upstream" ? planUpstreamSigned(archive) : planMirrorSigned(archive);
  if (signing === "mirror") refuseForeignPackages(archive, plan as MirrorSignedPlan);
  const work =
    signing === "upstream"
      ? upstreamSignedWork(archive, plan)
      : mirrorSignedWork(archive, plan as MirrorSignedPlan, settings, []);
  const [store, directory] = [join(root, "store"), join(root, "m")];
  for (const { bytes } of work.texts) handOverTo(store, bytes);
  const own = signing === "mirror" ? ownKey() : undefined;
  if (own) {
    const files = reproConfiguration({
      ...settings,
      directory,
      suites: archive.suites.map(({ name, release }) => ({ name, header: release.header })),
      sources: false,
      installer: false,
    });
    for (const [name, content] of Object.entries(files)) {
      const file = join(directory, "reprepro/conf", name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
  }
  const planDigest = handOverTo(store, [...planText(plan)].join(""));
  const script = publishScript({
    owner: "m",
    directory,
    store,
    signing,
    upstream: upstreamUrl,
    fetch: { parallel: 4, stallSeconds: 5 },
    keep: 2,
    plan: planDigest,
    planText: planDigest,
    summary: handOverTo(store, JSON.stringify({ signing, plan: plan.digest })),
    contents: handOverTo(store, "{}"),
    signingKey: own && { ...own, suites: settings.suites, validSeconds: 0, completePhases: true },
  });
  const { code, lines } = await startJob(root, script, workListText(work.items)).ended;
  expect({ code, lines: code === 0 ? [] : lines }).toEqual({ code: 0, lines: [] });
  return {
    url: await serve(join(directory, "current", "public")),
    signedBy: own ? own.publicKey : key.publicArmored,
  };
}

/** The mirror's own key, made once. */
let made: { directory: string; fingerprint: string; publicKey: string } | undefined;
const keyHome = scratchDirectory("shapes-key");
afterAll(() => {
  execFileSync("gpgconf", ["--homedir", keyHome, "--kill", "all"]);
  rmSync(keyHome, { recursive: true, force: true });
});
function ownKey() {
  const gpg = (...words: string[]) =>
    execFileSync("gpg", ["--homedir", keyHome, "--batch", "--quiet", ...words], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  if (made) return made;
  gpg("--passphrase", "", "--quick-generate-key", "mirror", "rsa2048", "sign", "never");
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(gpg("--with-colons", "--list-keys"))?.[1] ?? "";
  made = { directory: keyHome, fingerprint, publicKey: gpg("--armor", "--export", fingerprint) };
  return made;
}

/** Expects that the real apt updates without a warning and finds every package of the shape. */
async function taken(shape: Shape, signing: "mirror" | "upstream"): Promise<void> {
  const { url, signedBy } = await mirrored(shape, signing);
  const { suites, components, architectures } = declared(shape, signing);
  const client = aptClient(
    join(root, "client"),
    sourcesEntry({ url, suites, components, architectures, signedBy }),
  );
  const output = await client.update();
  if (shape.complaint && signing === "upstream") expect(output).toMatch(shape.complaint);
  else expect(output).not.toMatch(/^(W|E|Err|N):/m);
  // A client installs variants of its architecture only if it is configured (APT::Architecture-Variants, apt
  // 3.1).
  const names = shape.packages.filter(({ index }) => !index).map(({ name }) => name);
  const came = await client.download(...names);
  expect(came.map((file) => file.replace(/_.*/, ""))).toEqual([...names].sort());
}

describe("with signing: upstream, apt accepts a mirror of", () => {
  test.each(shapes.map((shape) => [shape.name, shape] as const))(
    "%s",
    async (_, shape) => {
      await taken(shape, "upstream");
    },
    30_000,
  );
});

describe("with signing: mirror, apt accepts a mirror of", () => {
  test.each(shapes.filter(({ mirrorSigned }) => !mirrorSigned).map((shape) => [shape.name, shape] as const))(
    "%s",
    async (_, shape) => {
      await taken(shape, "mirror");
    },
    30_000,
  );
});

test.each(shapes.filter(({ mirrorSigned }) => mirrorSigned).map((shape) => [shape.name, shape] as const))(
  "signing: mirror is refused for %s before files are fetched, and signing: upstream is named",
  async (_, shape) => {
    await expect(mirrored(shape, "mirror")).rejects.toThrow(shape.mirrorSigned);
  },
);

describe("this project and apt agree", () => {
  const shape = shapes.find(({ name }) => name === "docker") as Shape;
  const offered = async (header: Record<string, string>) => {
    await writeShape({ ...shape, header: { ...shape.header, ...header } }, join(root, "upstream"), key);
  };
  const updating = async () => {
    const url = servers[0]?.url ?? (await serve(join(root, "upstream")));
    const { suite, components } = shape;
    const entry = sourcesEntry({
      url,
      suites: [suite],
      components,
      architectures: ["amd64"],
      signedBy: key.publicArmored,
    });
    return aptClient(join(root, "client"), entry)
      .update()
      .catch((error: { stdout: string; stderr: string }) => `${error.stdout}${error.stderr}`);
  };

  test.each([
    "Mon,  6 Jul 2037  6:49:15 UTC",
    "Mon, 06 Jul 2037 06:49:15 +0000",
    "Mon, 06 Jul 2037 06:49:15 -0000",
    "Mon, 06 Jul 2037 06:49:15 Z",
    "Mon Jul  6 06:49:15 2037",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Mon, 06 Jul 2037 06:49:15 +0100",
    "Mon, 06 Jul 2037 06:49:15 CEST",
    "Mon, 06 Jul 2037 25:49:15 UTC",
    "2037-07-06T06:49:15Z",
  ])("on whether the date %s is valid", async (date) => {
    await offered({ "Valid-Until": date });
    const output = await updating();
    // apt's error for a Release that it cannot read, for any reason.
    const refused = output.includes("provides only weak security information");
    expect(signedDate(date) === undefined).toBe(refused);
  });

  test("on the warnings about a changed Label and Origin", async () => {
    await offered({});
    await updating();
    await offered({ Label: "Docker", Origin: "Mirantis" });
    const output = await updating();
    const identity = (header: Record<string, string>) => ({
      signing: "upstream" as const,
      headers: { noble: { ...shape.header, ...header } },
      signers: [],
    });
    const [warning = ""] = changesForClients(identity({}), {
      ...identity({ Label: "Docker", Origin: "Mirantis" }),
      signers: [key.fingerprint],
    });
    for (const change of [
      "changed its 'Label' value from 'Docker CE' to 'Docker'",
      "changed its 'Origin' value from 'Docker' to 'Mirantis'",
    ]) {
      expect(output).toContain(change);
      expect(warning).toContain(change);
    }
  });
});
